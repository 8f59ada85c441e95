"""Registered models, and which of them is in production."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triagelens.domain.gate import GateReport
from triagelens.domain.manifest import Sha256, Slug, TrainingSpec


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelStatus(StrEnum):
    """What became of a model when it was registered, or that it is retired.

    Which model is in production is said by the `ProductionPointer` alone, not repeated here, so the
    two can never disagree.
    """

    CANDIDATE = "candidate"
    REFUSED = "refused"
    NOT_EVALUABLE = "not_evaluable"
    RETIRED = "retired"


# What may serve at all: `not_evaluable` only with somebody's written reason.
PROMOTABLE = frozenset({ModelStatus.CANDIDATE, ModelStatus.NOT_EVALUABLE})


class Problem(_Part):
    """One reason why a model cannot serve. `code` is stable, `message` is for the person who made it."""

    code: str
    message: str


class ModelFiles(_Part):
    """A model's files in the models bucket: exact object versions, and what their bytes must hash to.

    The manifest is pinned like the model, since swapped labels are as bad as swapped weights. `head`
    is the classifier's weights for explanations; most third-party models have none.

    Attributes:
        signature: over `signed_message`, made when the model was registered: base64 of a DER-encoded
            ECDSA signature.
    """

    version: Slug
    model_key: str
    model_object_version: str
    model_sha256: Sha256
    manifest_key: str
    manifest_object_version: str
    manifest_sha256: Sha256
    head_key: str | None = None
    head_object_version: str | None = None
    head_sha256: Sha256 | None = None
    signature: str | None = None

    @model_validator(mode="after")
    def _head_is_whole(self) -> Self:
        parts = (self.head_key, self.head_object_version, self.head_sha256)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError("head_key, head_object_version and head_sha256 go together")
        return self

    def files(self) -> "ModelFiles":
        """The files alone, without what else is known of the model."""
        return ModelFiles.model_validate(self.model_dump(include=set(ModelFiles.model_fields)))


def signed_message(specialty: str, files: ModelFiles) -> bytes:
    """What a model's signature covers: that these three digests are this version of this specialty."""
    said = {
        "head_sha256": files.head_sha256,
        "manifest_sha256": files.manifest_sha256,
        "model_sha256": files.model_sha256,
        "specialty": specialty,
        "version": files.version,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


DecisionName = Literal["promote", "activate", "retire"]


class Decision(_Part):
    """Somebody put the model into service, or took it out for good.

    Attributes:
        by: opaque id of the admin.
        share: of the images, 0..1; None where it has no meaning.
        reason: in the admin's words; required where the gate was passed by.
    """

    action: DecisionName
    by: str
    at: datetime
    share: float | None = None
    reason: str | None = None


class RegisteredModel(ModelFiles):
    """One version of a specialty's model in the registry: its card.

    Attributes:
        registered_by: opaque id of the person or job that brought it.
        import_id: the import that it came by.
        job_id, started_by: the training job that it comes from, if it does, and who started that.
        problems: why it was refused; empty otherwise.
        training: the data snapshot, code version and figures that its manifest tells of.
        gate: what the gate found; None for a model from before there was one.
        decisions: who put it into service, the latest last.
        lock: optimistic lock of the stored item.
    """

    specialty: Slug
    name: Slug
    status: ModelStatus
    problems: tuple[Problem, ...] = ()
    intended_use: str
    licence: str | None = None
    labels: tuple[str, ...] = ()
    registered_by: str
    import_id: str | None = None
    job_id: str | None = None
    started_by: str | None = None
    training: TrainingSpec | None = None
    gate: GateReport | None = None
    decisions: tuple[Decision, ...] = ()
    created_at: datetime
    lock: int | None = None

    @property
    def trainer(self) -> str | None:
        """Whose own work it is, and who so may not promote it: who trained it, or else who brought it."""
        return self.started_by or self.registered_by


class Candidate(ModelFiles):
    """A model on trial: it answers `share` of the images, the production model the others.

    Attributes:
        since: when the trial began; what came before is not counted against it.
    """

    share: float = Field(ge=0, le=1)
    since: datetime


class ProductionPointer(ModelFiles):
    """Which model answers for a specialty. Promotion, canary and rollback each replace it as a whole.

    Attributes:
        previous: what a rollback goes back to; None for the first model of a specialty, and after a rollback.
        withdrawn: nothing registered answers any more: the first model was rolled back.
        activated_by: opaque id of the person who put it there, or of the function that rolled back.
        reason: why, in that person's words.
        revision: raised by each write; a write names the revision it replaces.
    """

    specialty: Slug
    candidate: Candidate | None = None
    previous: ModelFiles | None = None
    withdrawn: bool = False
    activated_by: str
    activated_at: datetime
    reason: str | None = None
    revision: int = Field(ge=1)

    def answers(self, version: str) -> bool:
        """Whether that version is in production."""
        return not self.withdrawn and self.version == version

    def serves(self, version: str) -> bool:
        """Whether that version is in production, or on trial beside it."""
        return self.answers(version) or (self.candidate is not None and self.candidate.version == version)

    def without(self, version: str, by: str, at: datetime, reason: str | None) -> Self:
        """The next revision, in which that version, which serves, no longer does.

        A candidate loses its share. Production goes back to the one before, and there is no second way
        back from there; where there is none before, nothing registered answers. A trial beside it ends too.
        """
        changes = {
            "candidate": None,
            "activated_by": by,
            "activated_at": at,
            "reason": reason,
            "revision": self.revision + 1,
        }
        if not self.answers(version):
            return self.model_copy(update=changes)
        if self.previous is None:
            return self.model_copy(update={**changes, "withdrawn": True})
        return self.model_copy(update={**dict(self.previous), **changes, "previous": None})
