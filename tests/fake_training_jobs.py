"""Training jobs in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.fakes import START, page_of, stored_in
from triagelens.domain.errors import (
    ConflictError,
    IdempotencyMismatchError,
    OutdatedError,
    TrainingNotDeployedError,
    UnavailableError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import JobKind, TrainingJob
from triagelens.services.ports import IdempotencyKey, Page
from triagelens.services.training_job_ports import Material, QueuedJob, QueuedState


def new_job(**more: Any) -> TrainingJob:
    """A queued training of `skin`."""
    job = TrainingJob(
        job_id=new_id(),
        kind=JobKind.TRAIN,
        requested_by="researcher",
        correlation_id="request",
        created_at=START,
        config={"epochs": 3},
        specialty="skin",
    )
    return job.model_copy(update=more)


@dataclass
class FakeJobRecords:
    """`services.training_job_ports.JobRecords` with the same locks as the table.

    `before_write` is called once before the next write: what somebody else does in between.
    """

    records: dict[str, TrainingJob] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    before_write: Callable[[], object] | None = None
    _turn: Lock = field(default_factory=Lock)

    def job(self, job_id: str) -> TrainingJob:
        return stored_in(self.records, job_id)

    def jobs(self, limit: int, cursor: str | None) -> Page[TrainingJob]:
        newest_first = sorted(self.records.values(), key=lambda job: job.job_id, reverse=True)
        return page_of(newest_first, limit, cursor, "job_id")

    def open_jobs(self) -> list[TrainingJob]:
        return sorted((job for job in self.records.values() if job.is_open), key=lambda job: job.job_id)

    def add_job(self, job: TrainingJob, idempotency: IdempotencyKey | None) -> TrainingJob:
        if idempotency is not None:
            made = self.made_by(idempotency)
            if made is not None:
                return made
            self.keys[idempotency.owner, idempotency.key] = (idempotency.fingerprint, job.job_id)
        return self.replace_job(job)

    def made_by(self, idempotency: IdempotencyKey) -> TrainingJob | None:
        fingerprint, job_id = self.keys.get((idempotency.owner, idempotency.key), (None, ""))
        if fingerprint is None:
            return None
        if fingerprint != idempotency.fingerprint:
            raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
        return self.job(job_id)

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        if self.before_write is not None:
            happening, self.before_write = self.before_write, None
            happening()
        with self._turn:
            stored = self.records.get(job.job_id)
            if (stored.version if stored else None) != job.version:
                raise OutdatedError("The job has changed since it was read.")
            written = job.model_copy(update={"version": (job.version or 0) + 1})
            self.records[job.job_id] = written
            return written


@dataclass
class FakeJobQueue:
    """`services.training_job_ports.JobQueue`: what was submitted, and what a test says of it.

    `down`: it does not answer. `forgetful`: a submission arrives, and its answer is lost.
    `waiting`: which submission waits for which other one.
    """

    deployed: bool = True
    down: bool = False
    forgetful: bool = False
    submitted: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    states: dict[str, QueuedJob] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    on_submit: Callable[[], object] = lambda: None

    def check_deployed(self, kind: JobKind) -> None:
        if not self.deployed:
            raise TrainingNotDeployedError

    def submit(self, job: TrainingJob, after: str | None = None) -> str | None:
        self.check_deployed(job.kind)
        self._answer()
        queue_id = f"batch-{len(self.submitted) + 1}"
        if after is not None:
            self.waiting[queue_id] = after
        self.submitted[queue_id] = job.job_id
        self.states[queue_id] = QueuedJob(queue_id, QueuedState.WAITING, START)
        self.on_submit()
        if self.forgetful:
            raise UnavailableError("The answer was lost.", 1)
        return queue_id

    def find(self, job: TrainingJob) -> str | None:
        self._answer()
        return next((queue_id for queue_id, of in self.submitted.items() if of == job.job_id), None)

    def cancel(self, queue_id: str, reason: str) -> None:
        self._answer()
        self.cancelled.append(queue_id)

    def describe(self, queue_ids: Sequence[str]) -> dict[str, QueuedJob]:
        self._answer()
        return {queue_id: self.states[queue_id] for queue_id in queue_ids if queue_id in self.states}

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError("The queue does not answer.", 1)


@dataclass
class FakeTrainingMaterial:
    """`services.training_job_ports.TrainingMaterial`; by dataset, and by specialty for labels."""

    datasets: dict[str, Material] = field(default_factory=dict)
    labels: dict[str, Material] = field(default_factory=dict)

    def of_dataset(self, dataset_id: str) -> Material:
        return stored_in(self.datasets, dataset_id)

    def of_labels(self, specialty: str) -> Material:
        if specialty not in self.labels:
            raise ConflictError(f"There is no snapshot of the labels of {specialty} yet.")
        return self.labels[specialty]
