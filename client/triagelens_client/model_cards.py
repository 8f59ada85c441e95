"""What the API tells of a registered model, and of a replay."""

from datetime import datetime
from typing import Any

from triagelens_client.models import Answer
from triagelens_client.registry_models import Model

FINAL_REPLAYS = frozenset({"completed", "failed"})


class GateCheck(Answer):
    """One figure of the gate against its bound.

    Attributes:
        name: `balanced_accuracy`, `sensitivity.<label>`, `calibration` or `latency`.
        outcome: `passed`, `failed` or `not_judged`.
    """

    name: str
    value: float | None = None
    bound: float
    outcome: str
    message: str


class Gate(Answer):
    """What was measured on the holdout. `verdict` is `passed`, `refused` or `not_evaluable`."""

    verdict: str
    reasons: tuple[str, ...] = ()
    checks: tuple[GateCheck, ...] = ()
    images: int = 0
    balanced_accuracy: float | None = None
    reference_balanced_accuracy: float | None = None
    evaluated_at: datetime


class ModelDecision(Answer):
    """Who put the model into service, or retired it; `by` is an opaque id."""

    action: str
    by: str
    at: datetime
    share: float | None = None
    reason: str | None = None


class ModelCard(Model):
    """Everything that is known of a registered model.

    Attributes:
        started_by: opaque id of who started the training job that it comes from.
        training: data snapshot, code version and figures of its manifest.
    """

    licence: str | None = None
    labels: tuple[str, ...] = ()
    signed: bool = False
    job_id: str | None = None
    started_by: str | None = None
    training: dict[str, Any] | None = None
    gate: Gate | None = None
    decisions: tuple[ModelDecision, ...] = ()


class FlippedPair(Answer):
    """Images that went from one label to another, those first that were most certain before."""

    old: str
    new: str
    count: int
    image_ids: tuple[str, ...]


class ModelReplay(Answer):
    """How far a replay has come: `queued`, `running`, `completed` or `failed`.

    Attributes:
        flips: by labels, the worst first: what no longer looks urgent.
    """

    replay_id: str
    specialty: str
    version: str
    status: str
    scored: int
    missing: int
    failures: tuple[str, ...] = ()
    flipped: int
    flips: tuple[FlippedPair, ...] = ()
    message: str | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_REPLAYS
