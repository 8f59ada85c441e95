"""Jobs of the learning loop: a training or an ingestion, from the request to its end.

The record holds all that a job needs; whatever runs it is told nothing but its id. A job may be
started twice, die and be started again: each claim raises `attempt`, and only the holder of the
latest attempt may still write.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import Slug

# Who runs a job reports at least every minute. After this long without a word it counts as lost.
HEARTBEAT_LOST = timedelta(minutes=15)
LONGEST_MESSAGE = 500


class JobKind(StrEnum):
    TRAIN = "train"
    INGEST = "ingest"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobFailure(_Part):
    """Why a job failed. `code` is stable, `message` is for the person who started it."""

    code: str
    message: str = Field(max_length=LONGEST_MESSAGE)


class Report(_Part):
    """What a runner says of its job; None leaves the record as it is.

    Attributes:
        metrics: all that are known by now, by name.
        snapshot_id, import_id, model_version: what came to be known or was made.
    """

    progress: float | None = Field(default=None, ge=0, le=1)
    message: str | None = Field(default=None, max_length=LONGEST_MESSAGE)
    metrics: dict[str, float] | None = None
    snapshot_id: str | None = None
    import_id: str | None = None
    model_version: str | None = None

    def told(self) -> dict[str, Any]:
        """The fields of the record that it changes."""
        return self.model_dump(exclude_none=True)


class Runner(_Part):
    """What runs a job: an id that no other has, and which start of the same it is.

    On Batch the id of Batch's job and its attempt: a later attempt begins only when the earlier is dead.
    """

    runner_id: str
    start: int = Field(ge=1)

    def follows(self, other: "Runner") -> bool:
        """Whether `other` is certain to be dead because this one was started."""
        return self.runner_id == other.runner_id and self.start > other.start


class TrainingJob(_Part):
    """One job's record.

    Attributes:
        progress: share of the work that is done, 0..1; of a training, epochs done by epochs asked for.
        message: where it stands, for people: "Epoch 15/30".
        attempt: raised by each claim; a report names the attempt that it is of.
        runner: what holds the latest attempt; None while queued.
        after: id of the ingestion whose snapshot it is trained on, where that is still to be made; the
            job waits for it, and `snapshot_id` is known once the job has started.
        requested_by: opaque id of the person.
        heartbeat_at: of the last report of the latest attempt.
        config: the settings of that kind of job, whole.
        model_version: of the model that it made; None before, and for an ingestion.
        import_id: under which that model was handed to the registry.
        cost_estimate_usd: made before it was submitted; None where nothing is paid, or where it is not
            known yet how many images there are.
        batch_job_id: of Batch's job; None as long as it is not known to be submitted.
        log_location: where its log is, for people.
        cancel_requested: nobody may write for the job any more but who ends it.
        version: optimistic lock of the stored item.
    """

    job_id: str
    kind: JobKind
    status: JobStatus = JobStatus.QUEUED
    progress: float = Field(default=0.0, ge=0, le=1)
    message: str = Field(default="Queued", max_length=LONGEST_MESSAGE)
    attempt: int = 0
    runner: Runner | None = None
    after: str | None = None
    requested_by: str
    correlation_id: str
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    config: dict[str, Any]
    specialty: Slug
    dataset_id: str | None = None
    snapshot_id: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    model_version: str | None = None
    import_id: str | None = None
    cost_estimate_usd: float | None = None
    max_cost_usd: float | None = None
    batch_job_id: str | None = None
    log_location: str | None = None
    failure: JobFailure | None = None
    cancel_requested: bool = False
    version: int | None = None

    @property
    def is_open(self) -> bool:
        return not self.status.is_final

    @property
    def model_id(self) -> str | None:
        """The model that it made, as the registry's routes name it."""
        return f"{self.specialty}:{self.model_version}" if self.model_version else None

    def is_lost(self, now: datetime) -> bool:
        """Whether it runs and nobody has reported on it for too long."""
        heard = self.heartbeat_at or self.started_at
        return self.status is JobStatus.RUNNING and heard is not None and now - heard > HEARTBEAT_LOST

    def may_be_claimed_by(self, runner: Runner, now: datetime) -> bool:
        """Whether `runner` may take the job: nobody has it, or who had it is dead."""
        if self.status.is_final or self.cancel_requested:
            return False
        if self.runner is None:
            return True
        return runner.follows(self.runner) or self.is_lost(now)
