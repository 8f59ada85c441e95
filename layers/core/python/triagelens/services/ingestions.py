"""From a dataset that has arrived to the job that makes a snapshot of it: one job, however often asked."""

from dataclasses import dataclass
from typing import Any

from triagelens.domain.datasets import Dataset, DatasetFailure, DatasetStatus
from triagelens.domain.errors import NotFoundError, OutdatedError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person
from triagelens.domain.training_jobs import JobKind, JobStatus, TrainingJob
from triagelens.services.job_submission import Submission
from triagelens.services.journal import Journal
from triagelens.services.learning_ports import DatasetRecords
from triagelens.services.ports import Clock
from triagelens.services.training_job_ports import JobRecords

ENDED_BADLY = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True)
class Ingestions:
    """Jobs of kind `ingest`, and the datasets that wait for them.

    The dataset names its job first, and the job is written second: who asks again in between finds the
    name, and writes the job that is missing.
    """

    records: DatasetRecords
    jobs: JobRecords
    submission: Submission
    clock: Clock
    journal: Journal

    def check(self) -> None:
        """Makes sure that this deployment ingests at all.

        Raises:
            TrainingNotDeployedError: it does not.
        """
        self.submission.queue.check_deployed(JobKind.INGEST)

    def as_it_stands(self, dataset: Dataset) -> Dataset:
        """The dataset, failed where its job was cancelled or died without a word to the dataset."""
        job = self._job_of(dataset) if dataset.status is DatasetStatus.INGESTING else None
        if job is None or job.status not in ENDED_BADLY:
            return dataset
        code, message = "cancelled", "The ingestion was cancelled."
        if job.failure is not None:
            code, message = job.failure.code, job.failure.message
        return dataset.failed(DatasetFailure(code=code, message=message), job.completed_at or self.clock())

    def start(self, person: Person, dataset: Dataset, **changes: Any) -> Dataset:
        """The dataset, as `changes` make it, with a job of its own.

        Raises:
            TrainingNotDeployedError: this deployment does not ingest; nothing was written.
            TransitionError: the dataset's status does not let it.
            OutdatedError: the stored record has changed since it was read.
        """
        self.check()
        begun = dataset.move(DatasetStatus.INGESTING, self.clock(), job_id=new_id(), **changes)
        return self.ensure(person, self.records.replace_dataset(begun))

    def ensure(self, person: Person, dataset: Dataset) -> Dataset:
        """Makes sure that there is the job that the dataset names.

        Raises:
            TrainingNotDeployedError: there is none, and this deployment does not ingest.
        """
        if self._job_of(dataset) is None:
            job = self._new_job(person, dataset)
            try:
                self.submission.enqueue(job)
            except OutdatedError:
                return dataset  # who asked at the same moment has written it
            self.journal.write(person.sub, "dataset.ingest", dataset.dataset_id)
        return dataset

    def is_under_way(self, dataset: Dataset) -> bool:
        """Whether the dataset's job is queued or running."""
        job = self._job_of(dataset)
        return job is not None and job.is_open

    def _job_of(self, dataset: Dataset) -> TrainingJob | None:
        if dataset.job_id is None:
            return None
        try:
            return self.jobs.job(dataset.job_id)
        except NotFoundError:
            return None

    def _new_job(self, person: Person, dataset: Dataset) -> TrainingJob:
        return TrainingJob(
            job_id=dataset.job_id or new_id(),
            kind=JobKind.INGEST,
            requested_by=person.sub,
            correlation_id=self.journal.correlation_id,
            created_at=self.clock(),
            config={"form": dataset.form.value},
            specialty=dataset.specialty,
            dataset_id=dataset.dataset_id,
        )
