"""Answers of the API about training jobs."""

from datetime import datetime
from typing import Any

from triagelens_client.models import Answer

ENDED = frozenset({"completed", "failed", "cancelled"})


class JobFailure(Answer):
    """Why a job failed; `code` is stable."""

    code: str
    message: str


class TrainingJob(Answer):
    """A training, or the ingestion of a dataset, as it was when it was read.

    Attributes:
        kind: `train` or `ingest`.
        progress: share of the work that is done, 0..1.
        message: where it stands, for people.
        config: all settings of the job.
        model_id: the model that came of it; the registry still has to check it.
        import_id: of that check, for `Registry.wait_for_import`.
    """

    job_id: str
    kind: str
    status: str
    progress: float
    message: str
    specialty: str
    dataset_id: str | None = None
    snapshot_id: str | None = None
    config: dict[str, Any]
    metrics: dict[str, float]
    model_id: str | None = None
    import_id: str | None = None
    cost_estimate_usd: float | None = None
    cancel_requested: bool = False
    log_location: str | None = None
    failure: JobFailure | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED
