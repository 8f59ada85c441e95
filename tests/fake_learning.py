"""Buckets and a snapshot in memory, for jobs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.fake_registry import FakeRegistry
from triagelens.domain.errors import NotFoundError
from triagelens.domain.snapshots import SnapshotEntry, digest_of, id_of, manifest_key, manifest_of


@dataclass
class FakeBucket:
    """`training_job.jobs.ports.Bucket`.

    `before_write` is called with the key before each write, and may raise, as a lost host would.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    before_write: Callable[[str], None] = lambda _: None
    reads: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def read(self, key: str, object_version: str | None = None) -> bytes:
        self.reads.append(key)
        if key not in self.objects:
            raise NotFoundError("The object is gone.")
        return self.objects[key]

    def exists(self, key: str) -> bool:
        return key in self.objects

    def write(self, key: str, content: bytes) -> None:
        self.before_write(key)
        self.objects[key] = content
        self.written.append(key)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)


@dataclass
class FakePlatform:
    """All that a training job stands on but its record."""

    learning: FakeBucket = field(default_factory=FakeBucket)
    images: FakeBucket = field(default_factory=FakeBucket)
    models: FakeBucket = field(default_factory=FakeBucket)
    registry: FakeRegistry = field(default_factory=FakeRegistry)

    def keep_snapshot(self, entries: Iterable[SnapshotEntry]) -> str:
        """Keeps the manifest of images that are there already; the snapshot's id."""
        manifest = manifest_of(entries)
        snapshot_id = id_of(digest_of(manifest))
        self.learning.objects[manifest_key(snapshot_id)] = manifest
        return snapshot_id
