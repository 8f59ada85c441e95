"""What the use cases about datasets need from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from triagelens.domain.datasets import Dataset, DatasetFile
from triagelens.services.ports import Page, UploadForm

FIRST = "first"
"""What the first dataset of a name follows."""


class DatasetRecords(Protocol):
    """Datasets in the registry table."""

    def dataset(self, dataset_id: str) -> Dataset:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def datasets(self, limit: int, cursor: str | None) -> Page[Dataset]:
        """All datasets, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def named(self, name: str) -> Sequence[Dataset]:
        """The newest datasets of exactly that name, the newest first; a few at most."""

    def add_dataset(self, dataset: Dataset, follows: str | None = None) -> Dataset:
        """Writes a new record, its entry in the list and its name, all or none.

        Args:
            follows: the newest dataset of that name until now, or `FIRST` where there is none; None where
                it does not matter. No two datasets follow the same.

        Raises:
            OutdatedError: another dataset of that name follows that one.
        """

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        """Writes over the version it was read at.

        Raises:
            OutdatedError: the stored record has changed since.
        """

    def add_files(self, files: Sequence[DatasetFile]) -> None:
        """Announces files. One that was announced before, by the same path, is announced anew."""

    def files(self, dataset_id: str) -> Sequence[DatasetFile]:
        """Every announced file, in no particular order."""


@dataclass(frozen=True)
class Arrived:
    """An object that came: which version, and how many bytes."""

    object_version: str
    size_bytes: int


class DatasetUploads(Protocol):
    """The prefix `archives/` of the learning bucket, for one who may write there but not read."""

    def form(self, key: str, size_bytes: int, lifetime: timedelta) -> UploadForm:
        """A presigned POST for exactly that key and size."""

    def begin_parts(self, key: str) -> str:
        """Begins an upload in parts, and gives S3's name of it."""

    def part_url(self, key: str, s3_upload_id: str, number: int, size_bytes: int, lifetime: timedelta) -> str:
        """A presigned PUT of one part of exactly that size."""

    def parts(self, key: str, s3_upload_id: str) -> dict[int, int]:
        """Which parts have come: number -> bytes.

        Raises:
            NotFoundError: the upload was completed, given up, or has expired.
        """

    def complete(self, key: str, s3_upload_id: str) -> None:
        """Puts the parts that have come together.

        Raises:
            NotFoundError: as `parts`.
        """

    def abort(self, key: str, s3_upload_id: str) -> None:
        """Gives the upload up. Of one that is gone, nothing happens."""

    def write(self, key: str, data: bytes) -> None:
        """An object that came through the API itself."""

    def arrived(self, key: str) -> Arrived | None:
        """The latest version of the object; None if there is none."""

    def any_arrived(self, prefix: str) -> bool:
        """Whether there is any object below the prefix."""

    def problems_url(self, key: str, lifetime: timedelta) -> str:
        """A presigned GET of a snapshot's list of problems."""
