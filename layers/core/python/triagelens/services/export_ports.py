"""What exports need from the outside."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import BinaryIO, Protocol

from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.exports import Export, ExportFile, ExportRequest
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.services.ports import IdempotencyKey, Page


class ExportRecords(Protocol):
    """Exports' records."""

    def export(self, export_id: str) -> Export:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def exports(self, owner: str | None, limit: int, cursor: str | None) -> Page[Export]:
        """Those of one person, or everybody's for None; newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def add_export(self, export: Export, idempotency: IdempotencyKey | None) -> Export:
        """Writes a new record, or gives the one that the same key made before.

        Raises:
            IdempotencyMismatchError: the key belongs to another request.
        """

    def replace_export(self, export: Export) -> Export:
        """Writes `export` over the version it was read at.

        Raises:
            ConflictError: the stored record has changed since.
        """


class ExportQueue(Protocol):
    def send(self, request: ExportRequest) -> None: ...


class ExportFiles(Protocol):
    """The documents bucket, below `exports/`."""

    def write(self, key: str, content: BinaryIO, content_type: str) -> str:
        """Writes it whole or not at all; gives the version of the object."""

    def exists(self, file: ExportFile) -> bool: ...

    def url(self, file: ExportFile, lifetime: timedelta) -> str:
        """A presigned GET that browsers keep as a file."""


class ExportSource(Protocol):
    """Lists of all images and cases, read through index partitions. An index may lag behind a little."""

    def images(self, status: ImageStatus, month: str) -> Iterator[ImageRecord]:
        """Those of one status that were begun in that month (`yyyymm`)."""

    def images_of(self, image_ids: Sequence[str]) -> Mapping[str, ImageRecord]:
        """These images, by id; without those that are gone."""

    def cases(self, specialty: str, status: CaseStatus, month: str) -> Iterator[Case]:
        """Those of one specialty and status that were made in that month (`yyyymm`)."""

    def names(self, patient_ids: Sequence[str]) -> Mapping[str, str]:
        """Patients' names, by patient id; without those that are gone."""
