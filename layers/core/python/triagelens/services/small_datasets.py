"""Datasets that come through the API itself, as a former system's app sends them, and their names.

Such a dataset is one archive like any other: what comes file by file is packed here. It is ingested as
soon as it is there.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import ZipFile, ZipInfo

from triagelens.domain.datasets import Dataset, DatasetForm, DatasetStatus, leads_elsewhere
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TooLargeError,
)
from triagelens.domain.people import Person
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.datasets import TRIES, Datasets, NewDataset
from triagelens.services.learning_ports import FIRST
from triagelens.services.small_uploads import MOST_BYTES

LONGEST_PATH = 500
ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz")
FILE_ENDINGS = (".jpg", ".jpeg", ".png", ".csv")
TOO_LARGE_TEXT = (
    "One request takes at most 4.5 MB of files. POST /v1/datasets with the form `multipart` takes an archive "
    "of up to 50 GB, and a training finds it by its name."
)


@dataclass(frozen=True)
class SentFile:
    """A file as it was sent; `path` is its name, with the folders that came with it."""

    path: str
    data: bytes


@dataclass(frozen=True)
class SmallDatasets:
    """Datasets by name. A name is one dataset's, and another's once that one has failed or was given up."""

    datasets: Datasets

    def take(self, person: Person, name: str, specialty: str, files: Sequence[SentFile]) -> Dataset:
        """A dataset of these files, and its ingestion begun; the same files again are the same dataset.

        Args:
            specialty: where it is not in the table, labels are kept as they come.

        Raises:
            TooLargeError: together the files are more than `MOST_BYTES`.
            InvalidRequestError: they make no dataset.
            ConflictError: the name is another dataset's.
            TrainingNotDeployedError: this deployment does not ingest; nothing was kept.
        """
        archive = packed(files)
        self.datasets.ingestions.check()
        new = NewDataset(
            name=name,
            specialty=specialty,
            form=DatasetForm.ARCHIVE,
            new_specialty=specialty not in SPECIALTIES,
            size_bytes=len(archive),
            content_sha256=hashlib.sha256(archive).hexdigest(),
        )
        dataset = self._begun(person, new)
        if dataset.status is DatasetStatus.AWAITING_UPLOAD:  # a new one, or one that was broken off here
            self.datasets.uploads.write(dataset.archive_key, archive)
        return self.datasets.ingest(person, dataset.dataset_id)

    def ready(self, name: str) -> Dataset:
        """The dataset of that name, if it can be trained on.

        Raises:
            NotFoundError: there is none.
            ConflictError: its images have not been ingested, or could not be.
        """
        dataset = _standing(self.datasets.named(name))
        if dataset is None:
            raise NotFoundError("There is no dataset of that name.")
        if dataset.failure is not None:
            raise ConflictError(dataset.failure.message)
        if dataset.status is not DatasetStatus.READY:
            raise ConflictError(
                f"The dataset is {_words(dataset.status)}, and can be trained on once it is ready. "
                "Try again in a moment."
            )
        return dataset

    def _begun(self, person: Person, new: NewDataset) -> Dataset:
        """The dataset that has these files already, or else a new one."""
        for _ in range(TRIES - 1):
            try:
                return self._find_or_create(person, new)
            except OutdatedError:
                continue
        return self._find_or_create(person, new)

    def _find_or_create(self, person: Person, new: NewDataset) -> Dataset:
        named = self.datasets.named(new.name)
        there = _standing(named)
        if there is None or there.status is DatasetStatus.FAILED:
            return self.datasets.create(person, new, follows=named[0].dataset_id if named else FIRST)
        if (there.content_sha256, there.specialty) == (new.content_sha256, new.specialty):
            return there
        raise ConflictError(
            f"There is a dataset of that name, and it is {_words(there.status)}. A dataset takes no more "
            "files once it was sent: choose another name."
        )


def packed(files: Sequence[SentFile]) -> bytes:
    """The archive that was sent, or a zip of the files: the same bytes for the same files.

    Raises:
        TooLargeError: together they are more than `MOST_BYTES`.
        InvalidRequestError: a file has no name that is taken, a name comes twice, or an archive is not alone.
    """
    if sum(len(file.data) for file in files) > MOST_BYTES:
        raise TooLargeError(TOO_LARGE_TEXT)
    for file in files:
        _check_name(file.path)
    if any(_is_archive(file.path) for file in files):
        if len(files) > 1:
            raise InvalidRequestError("An archive is sent alone: put the other files into it.")
        return files[0].data
    if len({file.path for file in files}) < len(files):
        raise InvalidRequestError("Two files have the same name.")
    stream = io.BytesIO()
    with ZipFile(stream, "w") as made:
        for file in sorted(files, key=lambda file: file.path):
            made.writestr(ZipInfo(file.path), file.data)
    return stream.getvalue()


def _standing(named: Sequence[Dataset]) -> Dataset | None:
    """The newest that was not given up."""
    return next((dataset for dataset in named if dataset.status is not DatasetStatus.ABORTED), None)


def _words(status: DatasetStatus) -> str:
    return status.replace("_", " ")


def _check_name(path: str) -> None:
    if len(path) > LONGEST_PATH or not path.isprintable() or leads_elsewhere(path):
        raise InvalidRequestError("A file's name leads out of the dataset, or is none.")
    if not path.lower().endswith(ARCHIVE_ENDINGS + FILE_ENDINGS):
        raise InvalidRequestError(
            "A dataset is images (.jpg, .jpeg, .png) and metadata.csv, or one archive (.zip, .tar, .tgz)."
        )


def _is_archive(path: str) -> bool:
    return path.lower().endswith(ARCHIVE_ENDINGS)
