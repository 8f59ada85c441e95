"""A snapshot: exactly these images, with these labels, groups and sets, for ever.

Its manifest is a file of JSON Lines, one line an image, sorted by digest and written in one way only, so
that its name can be its content's hash. A second file beside it lists what was left out, and why.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import Slug
from triagelens.domain.splits import SPLITS, Split

SNAPSHOTS = "snapshots/"
ID_LENGTH = 32
Counts: TypeAlias = Mapping[str, Mapping[Split, int]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")


class SnapshotEntry(_Part):
    """One image of a snapshot.

    Attributes:
        image_id: the platform's id of an image of its own, else the name that the dataset gives it.
        bucket: `learning` for images that came with a dataset, `images` for the platform's own.
        key, object_version: of the working image; its version where other versions may come.
        sha256: of the working image's bytes.
        group: what it stays in one set with; holds no patient's name or number.
    """

    image_id: str
    bucket: Literal["learning", "images"]
    key: str
    object_version: str | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    label: str
    group: str
    split: Split

    @property
    def line(self) -> str:
        return _line(self.model_dump(exclude_none=True))


class LeftOut(_Part):
    """A file that is not in the snapshot, or a remark on one that is, in words for who sent it.

    Attributes:
        code: stable and machine-readable, for counting.
    """

    file: str
    code: str
    reason: str

    @property
    def line(self) -> str:
        return _line(self.model_dump())


class Snapshot(_Part):
    """The record of a snapshot.

    Attributes:
        snapshot_id: the first 32 digits of `sha256`, which is that of the manifest's bytes.
        key, problems_key: of the manifest and of the list of what was left out, in the learning bucket.
        labels: in the order in which a model answers.
        counts: label -> split -> number of images.
        problems: code -> how many files were left out for it.
        ledger_revision: how far the specialty's ledger had come.
        licence, source: as given with the dataset.
    """

    snapshot_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    key: str
    problems_key: str
    specialty: Slug
    dataset_id: str | None
    job_id: str | None
    images: int
    labels: tuple[str, ...]
    counts: Counts
    problems: Mapping[str, int]
    ledger_revision: int
    licence: str | None
    source: str | None
    created_at: datetime


def _line(content: Mapping[str, object]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n"


def manifest_of(entries: Iterable[SnapshotEntry]) -> bytes:
    """The manifest of these images: the same bytes for the same images in any order."""
    ordered = sorted(entries, key=lambda entry: (entry.sha256, entry.image_id))
    return "".join(entry.line for entry in ordered).encode()


def digest_of(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()


def id_of(digest: str) -> str:
    """A snapshot's id, from its manifest's sha256."""
    return digest[:ID_LENGTH]


def manifest_key(snapshot_id: str) -> str:
    return f"{SNAPSHOTS}{snapshot_id}.jsonl"


def problems_key(snapshot_id: str) -> str:
    return f"{SNAPSHOTS}{snapshot_id}.problems.jsonl"


def count(entries: Iterable[SnapshotEntry], labels: Sequence[str]) -> Counts:
    """How many images each label has in each set."""
    found = Counter((entry.label, entry.split) for entry in entries)
    return {label: {split: found[label, split] for split in SPLITS} for label in labels}
