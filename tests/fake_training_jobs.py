"""Training jobs in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.fakes import START, page_of, stored_in
from triagelens.domain.errors import IdempotencyMismatchError, OutdatedError
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import JobKind, TrainingJob
from triagelens.services.ports import IdempotencyKey, Page


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
