"""A dataset whose ingestion died does not wait for it for ever."""

from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.datasets import Dataset, DatasetFailure, DatasetStatus
from triagelens.domain.errors import OutdatedError
from triagelens.domain.training_jobs import JobKind, TrainingJob
from triagelens.services.ports import Clock

TRIES = 5


class IngestedDatasets(Protocol):
    """As much of the datasets' records as is needed here."""

    def dataset(self, dataset_id: str) -> Dataset:
        """Raises NotFoundError if there is none."""

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        """Raises OutdatedError if the stored record has changed since it was read."""


@dataclass(frozen=True)
class DeadIngestions:
    """What `JobWatch` tells of each job that it marked failed."""

    datasets: IngestedDatasets
    clock: Clock

    def __call__(self, job: TrainingJob) -> None:
        """Marks the job's dataset failed for the same reason, unless it is no longer that job's."""
        if job.kind is not JobKind.INGEST or job.dataset_id is None or job.failure is None:
            return
        failure = DatasetFailure(code=job.failure.code, message=job.failure.message)
        for tries_left in reversed(range(TRIES)):
            dataset = self.datasets.dataset(job.dataset_id)
            if dataset.job_id != job.job_id or dataset.status is not DatasetStatus.INGESTING:
                return
            try:
                self.datasets.replace_dataset(dataset.failed(failure, self.clock()))
            except OutdatedError:
                if not tries_left:
                    raise
            else:
                return
