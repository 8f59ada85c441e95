"""Datasets: announce one, send its files, look at it, have it ingested."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.datasets import (
    ARCHIVES,
    MOST_ARCHIVE_BYTES,
    MOST_FILE_BYTES,
    MOST_MULTIPART_BYTES,
    PART_BYTES,
    Dataset,
    DatasetFile,
    DatasetForm,
    DatasetStatus,
    MultipartUpload,
)
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TooLargeError,
    UnknownSpecialtyError,
)
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.people import Person
from triagelens.domain.specialties import SPECIALTIES
from triagelens.domain.specialties import specialty as known_specialty
from triagelens.services.ingestions import Ingestions
from triagelens.services.learning_ports import DatasetRecords, DatasetUploads
from triagelens.services.ports import Page, UploadForm

FORM_LIFETIME = timedelta(hours=1)
LINK_LIFETIME = timedelta(minutes=15)
TRIES = 5
MOST_BYTES = {DatasetForm.ARCHIVE: MOST_ARCHIVE_BYTES, DatasetForm.MULTIPART: MOST_MULTIPART_BYTES}


@dataclass(frozen=True)
class NewDataset:
    """What a researcher says of a dataset before a byte is sent.

    Attributes:
        new_specialty: the specialty is not in the table; its labels are kept as they come.
        size_bytes: of the archive; None where files come one by one.
        content_sha256: of an archive that comes through the API itself.
    """

    name: str
    specialty: str
    form: DatasetForm
    new_specialty: bool = False
    size_bytes: int | None = None
    group_column: str | None = None
    licence: str | None = None
    source: str | None = None
    content_sha256: str | None = None


@dataclass(frozen=True)
class Datasets:
    """Datasets of the whole organisation, for researchers and admins."""

    records: DatasetRecords
    uploads: DatasetUploads
    ingestions: Ingestions

    def create(self, person: Person, new: NewDataset, follows: str | None = None) -> Dataset:
        """A dataset that waits for its files.

        Args:
            follows: see `DatasetRecords.add_dataset`.

        Raises:
            OutdatedError: another dataset of that name follows that one.
            UnknownSpecialtyError: it is not in the table, and not said to be new.
            InvalidRequestError, TooLargeError: the announcement does not fit together.
        """
        _check(new)
        dataset = self._announced(person, new)
        if new.form is DatasetForm.MULTIPART:
            begun = self.uploads.begin_parts(dataset.archive_key)
            upload = MultipartUpload(s3_upload_id=begun, part_bytes=PART_BYTES)
            dataset = dataset.model_copy(update={"multipart": upload})
        self.ingestions.journal.write(person.sub, "dataset.create", dataset.dataset_id)
        return self.records.add_dataset(dataset, follows)

    def from_labels(self, person: Person, new: NewDataset) -> Dataset:
        """A dataset of what readers have labelled by now, with the job that makes its snapshot.

        Raises:
            UnknownSpecialtyError: there is none of that name.
            TrainingNotDeployedError: this deployment does not ingest; nothing was written.
        """
        known_specialty(new.specialty)
        self.ingestions.check()
        begun = {"status": DatasetStatus.INGESTING, "job_id": new_id()}
        dataset = self._announced(person, new).model_copy(update=begun)
        self.ingestions.journal.write(person.sub, "dataset.create", dataset.dataset_id)
        return self.ingestions.ensure(person, self.records.add_dataset(dataset))

    def dataset(self, dataset_id: str) -> Dataset:
        """As it stands.

        Raises:
            NotFoundError: there is none.
        """
        if not is_id(dataset_id):
            raise NotFoundError("There is no such dataset.")
        return self.ingestions.as_it_stands(self.records.dataset(dataset_id))

    def page(self, limit: int, cursor: str | None) -> Page[Dataset]:
        """All datasets, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        found = self.records.datasets(limit, cursor)
        return Page([self.ingestions.as_it_stands(dataset) for dataset in found.items], found.cursor)

    def named(self, name: str) -> list[Dataset]:
        """The newest datasets of that name, the newest first, each as it stands."""
        return [self.ingestions.as_it_stands(dataset) for dataset in self.records.named(name)]

    def form(self, dataset: Dataset) -> UploadForm:
        """A form for the archive. A fresh one may be asked for as long as nothing is ingested.

        Raises:
            ConflictError: no archive in one piece is waited for.
        """
        if dataset.form is not DatasetForm.ARCHIVE or dataset.size_bytes is None:
            raise ConflictError(f"The dataset does not come as one archive: its form is {dataset.form}.")
        check_awaits_upload(dataset)
        return self.uploads.form(dataset.archive_key, dataset.size_bytes, FORM_LIFETIME)

    def announce_files(
        self, dataset_id: str, announced: Sequence[tuple[str, int]]
    ) -> list[tuple[DatasetFile, UploadForm]]:
        """Forms for files of these paths and sizes in bytes. A path that was announced before is renewed.

        Raises:
            NotFoundError: there is no such dataset.
            ConflictError: its files do not come one by one, or come no more.
            InvalidRequestError: a path comes twice.
            TooLargeError: a file is too large.
        """
        dataset = self.dataset(dataset_id)
        if dataset.form is not DatasetForm.FILES:
            raise ConflictError(f"The dataset does not come file by file: its form is {dataset.form}.")
        check_awaits_upload(dataset)
        files = [DatasetFile(dataset_id=dataset_id, path=path, size_bytes=size) for path, size in announced]
        if len({file.file_id for file in files}) < len(files):
            raise InvalidRequestError("A path comes twice.")
        if any(file.size_bytes > MOST_FILE_BYTES for file in files):
            raise TooLargeError(f"A file may have at most {MOST_FILE_BYTES} bytes.")
        self.records.add_files(files)
        return [(file, self.uploads.form(file.key, file.size_bytes, FORM_LIFETIME)) for file in files]

    def problems_url(self, dataset: Dataset) -> str | None:
        """A link to the list of what was left out of the latest snapshot; None as long as there is none."""
        if dataset.ingested is None or dataset.ingested.problems_key is None:
            return None
        return self.uploads.problems_url(dataset.ingested.problems_key, LINK_LIFETIME)

    def ingest(self, person: Person, dataset_id: str) -> Dataset:
        """Has the dataset ingested, if it is not already; asked twice, there is one job.

        Raises:
            NotFoundError: there is no such dataset.
            ConflictError: nothing has arrived yet, or it was given up.
            TrainingNotDeployedError: this deployment does not ingest.
        """
        for _ in range(TRIES - 1):
            try:
                return self._ingest(person, self.dataset(dataset_id))
            except OutdatedError:
                continue
        return self._ingest(person, self.dataset(dataset_id))

    def _ingest(self, person: Person, dataset: Dataset) -> Dataset:
        if dataset.status is DatasetStatus.READY:
            return dataset
        if dataset.status is DatasetStatus.INGESTING:
            return self.ingestions.ensure(person, dataset)
        if dataset.status is DatasetStatus.FAILED and self.ingestions.is_under_way(dataset):
            return dataset
        if dataset.status is DatasetStatus.AWAITING_UPLOAD:
            return self.ingestions.start(person, dataset, object_version=self._arrived_version(dataset))
        return self.ingestions.start(person, dataset)

    def _arrived_version(self, dataset: Dataset) -> str | None:
        """The archive's version, which from now on is the one that counts; of files there is no one version.

        Raises:
            ConflictError: nothing has arrived.
        """
        if dataset.form is DatasetForm.MULTIPART:
            raise ConflictError("The archive's parts have not been put together yet: complete it.")
        if dataset.form is DatasetForm.FILES:
            if not self.uploads.any_arrived(f"{ARCHIVES}{dataset.dataset_id}/"):
                raise ConflictError("No file has arrived yet.")
            return None
        arrived = self.uploads.arrived(dataset.archive_key)
        if arrived is None:
            raise ConflictError("The archive has not arrived yet.")
        return arrived.object_version

    def _announced(self, person: Person, new: NewDataset) -> Dataset:
        now = self.ingestions.clock()
        return Dataset(
            dataset_id=new_id(),
            upload_id=new_id(),
            name=new.name,
            specialty=new.specialty,
            new_specialty=new.new_specialty,
            form=new.form,
            size_bytes=new.size_bytes,
            content_sha256=new.content_sha256,
            group_column=new.group_column,
            licence=new.licence,
            source=new.source,
            created_by=person.sub,
            correlation_id=self.ingestions.journal.correlation_id,
            created_at=now,
            updated_at=now,
        )


def check_awaits_upload(dataset: Dataset) -> None:
    """Makes sure that something may still be sent.

    Raises:
        ConflictError: it may not.
    """
    if dataset.status is not DatasetStatus.AWAITING_UPLOAD:
        raise ConflictError(f"The dataset takes no files any more: it is {dataset.status}.")


def _check(new: NewDataset) -> None:
    if new.new_specialty and new.specialty in SPECIALTIES:
        raise InvalidRequestError(f"{new.specialty} is no new specialty.")
    if not new.new_specialty and new.specialty not in SPECIALTIES:
        raise UnknownSpecialtyError(new.specialty, known=sorted(SPECIALTIES))
    most = MOST_BYTES.get(new.form)
    if (most is None) != (new.size_bytes is None):
        raise InvalidRequestError(
            "size_bytes goes with an archive, in one piece or in parts, and with nothing else."
        )
    if most is not None and new.size_bytes is not None and new.size_bytes > most:
        raise TooLargeError(f"An archive of form {new.form} may have at most {most} bytes.")
