"""The frozen holdout of a specialty, out of its snapshots and its ledger."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from triagelens.adapters.dynamodb.snapshots import SNAPSHOT
from triagelens.adapters.dynamodb.tables import RegistryItem, bind
from triagelens.adapters.s3 import read_object
from triagelens.domain.errors import ConflictError
from triagelens.domain.gate import HoldoutImage
from triagelens.domain.ledger import IMAGE, LedgerEntry
from triagelens.domain.snapshots import Snapshot, SnapshotEntry
from triagelens.services.snapshot_ports import Ledgers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATASETS = "DATASETS"
HELD_OUT = "held_out"


class SnapshotHoldout:
    """`inference.ports.Holdout`: every image that a snapshot of the specialty holds out, once.

    Snapshots never change, but what is known of their images does: one whose group has turned out to be
    that of images that are trained on is held out no longer, whatever a snapshot from before says. So
    the ledger has the last word. An image that several snapshots hold has the label of the latest.
    """

    def __init__(
        self, table_name: str, region: str, ledgers: Ledgers, client: "S3Client", learning_bucket: str
    ) -> None:
        bind(RegistryItem, table_name, region)
        self._ledgers = ledgers
        self._client = client
        self._bucket = learning_bucket

    def images(self, specialty: str) -> Sequence[HoldoutImage]:
        """See `inference.ports.Holdout`.

        Raises:
            ConflictError: a snapshot's file is not the one that was recorded.
        """
        groups = _held_out_groups(self._ledgers.read(specialty).entries)
        found: dict[str, HoldoutImage] = {}
        for snapshot in self._snapshots(specialty):
            for entry in self._entries(snapshot):
                group = groups.get(f"{IMAGE}{entry.sha256}")
                if entry.split == HELD_OUT and group is not None:
                    found[entry.sha256] = _image(entry, group)
        return [found[digest] for digest in sorted(found)]

    def _snapshots(self, specialty: str) -> list[Snapshot]:
        """Of all datasets of the specialty, the oldest first. There are as many as people made by hand."""
        found: dict[str, Snapshot] = {}
        for dataset in RegistryItem.query(DATASETS, consistent_read=True):
            items = RegistryItem.query(
                f"DATASET#{dataset.sk}", RegistryItem.sk.startswith(SNAPSHOT), consistent_read=True
            )
            for item in items:
                snapshot = Snapshot.model_validate(item.body)
                if snapshot.specialty == specialty:
                    found[snapshot.snapshot_id] = snapshot
        return sorted(found.values(), key=lambda snapshot: (snapshot.created_at, snapshot.snapshot_id))

    def _entries(self, snapshot: Snapshot) -> Iterator[SnapshotEntry]:
        data = read_object(self._client, Bucket=self._bucket, Key=snapshot.key)
        if sha256(data).hexdigest() != snapshot.sha256:
            raise ConflictError(f"Snapshot {snapshot.snapshot_id} is not what was recorded.")
        for line in data.splitlines():
            yield SnapshotEntry.model_validate_json(line)


def _held_out_groups(entries: Iterable[LedgerEntry]) -> dict[str, str]:
    """The group of each name that is held out, and whose whole group is."""
    known = {entry.name: entry for entry in entries}

    def root(entry: LedgerEntry) -> LedgerEntry:
        while entry.parent is not None:
            entry = known[entry.parent]
        return entry

    return {
        entry.name: root(entry).name
        for entry in known.values()
        if entry.split == HELD_OUT and root(entry).split == HELD_OUT
    }


def _image(entry: SnapshotEntry, group: str) -> HoldoutImage:
    return HoldoutImage(
        bucket=entry.bucket,
        key=entry.key,
        object_version=entry.object_version,
        sha256=entry.sha256,
        label=entry.label,
        group=group,
    )


class S3HoldoutFiles:
    """`inference.ports.HoldoutFiles`.

    Args:
        buckets: the buckets' real names by what a snapshot calls them.
    """

    def __init__(self, client: "S3Client", buckets: dict[str, str]) -> None:
        self._client = client
        self._buckets = buckets

    def read(self, image: HoldoutImage) -> bytes:
        version = {} if image.object_version is None else {"VersionId": image.object_version}
        return read_object(self._client, Bucket=self._buckets[image.bucket], Key=image.key, **version)
