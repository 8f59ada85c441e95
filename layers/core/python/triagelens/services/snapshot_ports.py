"""What ingestion needs from the outside: the ledger, files, records of snapshots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.ledger import LedgerEntry
from triagelens.domain.snapshots import Snapshot


@dataclass(frozen=True)
class LedgerState:
    """A specialty's whole ledger, all of one moment.

    Attributes:
        revision: raised by each write; 0 before the first.
    """

    revision: int
    entries: Sequence[LedgerEntry]


class Ledgers(Protocol):
    """The ledgers of all specialties."""

    @property
    def most_entries(self) -> int:
        """How many entries one write takes."""

    def key(self) -> str:
        """The secret of this deployment's keyed hashes: made once, never changed."""

    def read(self, specialty: str) -> LedgerState: ...

    def write(self, specialty: str, revision: int, entries: Sequence[LedgerEntry]) -> int:
        """Writes entries, all or none, and gives the new revision.

        Raises:
            ConflictError: somebody else wrote since that revision.
        """


class Snapshots(Protocol):
    """Records of snapshots in the registry table."""

    def add(self, snapshot: Snapshot, platform_images: Sequence[str]) -> Snapshot:
        """Makes a snapshot known, or gives the record that is there already.

        Before it is visible, each of the platform's own images in it is marked, for erasure.
        """

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """Raises NotFoundError if there is none."""

    def snapshots_of(self, dataset_id: str) -> Sequence[str]:
        """Ids of a dataset's snapshots."""

    def snapshots_with(self, image_id: str) -> Sequence[str]:
        """Ids of the snapshots that hold one of the platform's images."""


@dataclass(frozen=True)
class LabelledImage:
    """One of the platform's images with the label that readers gave it.

    Attributes:
        key, object_version: of its working image in the images bucket.
    """

    image_id: str
    key: str
    object_version: str | None
    label: str
    patient_id: str | None = None


class LabelledImages(Protocol):
    """What readers labelled, for snapshots of it."""

    def of_specialty(self, specialty: str) -> Iterator[LabelledImage]:
        """Every labelled image of the specialty's cases that may be learnt from."""
