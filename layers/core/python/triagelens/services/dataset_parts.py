"""A dataset's archive that comes in parts: hand out places, put together, give up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.datasets import Dataset, DatasetForm, DatasetStatus, MultipartUpload
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError, OutdatedError
from triagelens.domain.people import Person
from triagelens.services.datasets import Datasets, check_awaits_upload

PART_LIFETIME = timedelta(hours=6)
TRIES = 5
NAMED = 10


@dataclass(frozen=True)
class Part:
    """Where one part goes, by PUT.

    Attributes:
        size_bytes: exactly; another length is refused.
    """

    number: int
    size_bytes: int
    url: str


@dataclass(frozen=True)
class DatasetParts:
    """The upload in parts of one dataset's archive."""

    datasets: Datasets

    def places(self, dataset: Dataset, numbers: Sequence[int]) -> list[Part]:
        """Where these parts go. A part that is sent again takes the place of the former.

        Raises:
            ConflictError: the dataset waits for no parts.
            InvalidRequestError: there is no part of such a number.
        """
        upload = _upload_of(dataset)
        check_awaits_upload(dataset)
        wrong = [number for number in numbers if not 1 <= number <= dataset.part_count]
        if wrong:
            raise InvalidRequestError(f"The parts are numbered from 1 to {dataset.part_count}.")
        return [
            Part(number, size, self._url(dataset, upload, number, size))
            for number, size in ((number, dataset.part_size(number)) for number in sorted(set(numbers)))
        ]

    def arrived(self, dataset: Dataset) -> list[int]:
        """Numbers of the parts that have come whole; all of them once they were put together.

        Raises:
            ConflictError: the dataset does not come in parts, was given up, or its upload has expired.
        """
        upload = _upload_of(dataset)
        if dataset.object_version is not None:
            return list(range(1, dataset.part_count + 1))
        check_awaits_upload(dataset)
        try:
            found = self.datasets.uploads.parts(dataset.archive_key, upload.s3_upload_id)
        except NotFoundError:
            if self.datasets.uploads.arrived(dataset.archive_key) is None:
                raise ConflictError("The upload has expired; announce the dataset anew.") from None
            return list(range(1, dataset.part_count + 1))
        return sorted(number for number, size in found.items() if size == dataset.part_size(number))

    def complete(self, person: Person, dataset_id: str) -> Dataset:
        """Puts the parts together and has the dataset ingested. Done again, it changes nothing.

        Whatever it dies of on the way, doing it again goes on from there.

        Raises:
            NotFoundError: there is no such dataset.
            ConflictError: it does not come in parts, parts are missing, or it was given up.
            TrainingNotDeployedError: this deployment does not ingest; the archive is kept.
        """
        for _ in range(TRIES - 1):
            try:
                self._complete(self.datasets.dataset(dataset_id))
                break
            except OutdatedError:
                continue
        else:
            self._complete(self.datasets.dataset(dataset_id))
        return self.datasets.ingest(person, dataset_id)

    def abort(self, person: Person, dataset_id: str) -> Dataset:
        """Gives a dataset up before it is ingested, and what came of its parts. Again, it changes nothing.

        The record goes first: what is put together at the same moment is then refused.

        Raises:
            NotFoundError: there is no such dataset.
            ConflictError: it takes no files any more.
            OutdatedError: it has just been changed otherwise.
        """
        dataset = self.datasets.dataset(dataset_id)
        if dataset.status is not DatasetStatus.ABORTED:
            check_awaits_upload(dataset)
            ingestions = self.datasets.ingestions
            given_up = dataset.move(DatasetStatus.ABORTED, ingestions.clock())
            dataset = self.datasets.records.replace_dataset(given_up)
            ingestions.journal.write(person.sub, "dataset.abort", dataset_id)
        if dataset.multipart is not None:
            self.datasets.uploads.abort(dataset.archive_key, dataset.multipart.s3_upload_id)
        return dataset

    def _complete(self, dataset: Dataset) -> None:
        upload = _upload_of(dataset)
        if dataset.object_version is not None:
            return
        check_awaits_upload(dataset)
        here = set(self.arrived(dataset))
        missing = [number for number in range(1, dataset.part_count + 1) if number not in here]
        if missing:
            named = ", ".join(str(number) for number in missing[:NAMED])
            raise ConflictError(f"{len(missing)} of {dataset.part_count} parts are missing: {named} ...")
        uploads, key = self.datasets.uploads, dataset.archive_key
        if uploads.arrived(key) is None:
            self._put_together(key, upload)
        stored = uploads.arrived(key)
        if stored is None:
            raise ConflictError("The upload has expired; announce the dataset anew.")
        put_together = dataset.move(
            DatasetStatus.UPLOADED, self.datasets.ingestions.clock(), object_version=stored.object_version
        )
        self.datasets.records.replace_dataset(put_together)

    def _put_together(self, key: str, upload: MultipartUpload) -> None:
        try:
            self.datasets.uploads.complete(key, upload.s3_upload_id)
        except NotFoundError:
            return  # somebody else has just done it, or it has expired: what is there now tells

    def _url(self, dataset: Dataset, upload: MultipartUpload, number: int, size: int) -> str:
        return self.datasets.uploads.part_url(
            dataset.archive_key, upload.s3_upload_id, number, size, PART_LIFETIME
        )


def _upload_of(dataset: Dataset) -> MultipartUpload:
    if dataset.form is not DatasetForm.MULTIPART or dataset.multipart is None:
        raise ConflictError(f"The dataset does not come in parts: its form is {dataset.form}.")
    return dataset.multipart
