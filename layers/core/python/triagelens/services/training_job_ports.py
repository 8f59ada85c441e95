"""What the use cases about training jobs need from the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from triagelens.domain.training_jobs import JobFailure, JobKind, TrainingJob
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

    def made_by(self, idempotency: IdempotencyKey) -> TrainingJob | None:
        """The job that a key made before, if it has made one.

        Raises:
            IdempotencyMismatchError: the key belongs to another request.
        """

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        """Writes `job` over the version it was read at. A final status takes it from the open jobs.

        Raises:
            OutdatedError: the stored record has changed since.
        """


class QueuedState(StrEnum):
    """Where a submitted job stands in the queue's own words, as far as they differ for us."""

    WAITING = "waiting"
    NO_MACHINE = "no_machine"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class QueuedJob:
    """A submitted job as the queue knows it.

    Attributes:
        since: when its present container started, or while there is none, when it was submitted.
        reason: the queue's own words on why it stands there; often none.
        death: what ended it, if it has failed.
        log_stream: of its present or last container.
    """

    queue_id: str
    state: QueuedState
    since: datetime | None = None
    reason: str = ""
    death: JobFailure | None = None
    log_stream: str | None = None


class JobQueue(Protocol):
    """What starts the container for a job: AWS Batch, or on a laptop a worker that looks for itself."""

    def check_deployed(self, kind: JobKind) -> None:
        """Raises TrainingNotDeployedError if nothing here runs jobs of that kind."""

    def submit(self, job: TrainingJob, after: str | None = None) -> str | None:
        """Starts the job's container as soon as there is a machine; the queue's id, if it gives any.

        With `after`, the queue's id of another job, not before that one has ended well.

        Raises:
            TrainingNotDeployedError: nothing here runs jobs of that kind.
            UnavailableError: the queue does not answer, or takes no job now.
        """

    def find(self, job: TrainingJob) -> str | None:
        """The queue's id of a job that was submitted before, whether or not the record knows of it."""

    def cancel(self, queue_id: str, reason: str) -> None:
        """Ends a job wherever it stands. Of a job that has ended, or is forgotten, nothing happens.

        Raises:
            UnavailableError: the queue does not answer.
        """

    def describe(self, queue_ids: Sequence[str]) -> dict[str, QueuedJob]:
        """The jobs that the queue still knows, by its ids."""


@dataclass(frozen=True)
class Material:
    """What a training may use.

    Attributes:
        snapshot_id: of the immutable list of images.
        images: label -> how many images of it there are, those that are held out among them.
    """

    specialty: str
    dataset_id: str
    snapshot_id: str
    images: Mapping[str, int]


class TrainingMaterial(Protocol):
    """Datasets, as a training sees them."""

    def of_dataset(self, dataset_id: str) -> Material:
        """The newest snapshot of a dataset.

        Raises:
            NotFoundError: there is no such dataset.
            ConflictError: it has no snapshot yet.
        """

    def of_labels(self, specialty: str) -> Material:
        """The newest snapshot of what readers of the specialty's cases labelled so far.

        Raises:
            ConflictError: there is none yet.
        """
