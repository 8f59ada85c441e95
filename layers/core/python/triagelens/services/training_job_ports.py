"""What the use cases about training jobs need from the outside."""

from typing import Protocol

from triagelens.domain.training_jobs import TrainingJob
from triagelens.services.ports import IdempotencyKey, Page


class JobRecords(Protocol):
    """The jobs' records in the registry table."""

    def job(self, job_id: str) -> TrainingJob:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def jobs(self, limit: int, cursor: str | None) -> Page[TrainingJob]:
        """All jobs, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def open_jobs(self) -> list[TrainingJob]:
        """The jobs that are queued or running, oldest first."""

    def add_job(self, job: TrainingJob, idempotency: IdempotencyKey | None) -> TrainingJob:
        """Writes a new record, or gives the one that the same key made before.

        Raises:
            IdempotencyMismatchError: the key belongs to another request.
        """

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        """Writes `job` over the version it was read at. A final status takes it from the open jobs.

        Raises:
            OutdatedError: the stored record has changed since.
        """
