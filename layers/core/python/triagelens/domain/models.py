"""Registered models, and which of them is in production."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triagelens.domain.manifest import Sha256, Slug


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelStatus(StrEnum):
    """What became of a model when it was registered.

    Which model is in production is said by the `ProductionPointer` alone, not repeated here, so the
    two can never disagree.
    """

    CANDIDATE = "candidate"
    REFUSED = "refused"
    NOT_EVALUABLE = "not_evaluable"


class Problem(_Part):
    """One reason why a model cannot serve. `code` is stable, `message` is for the person who made it."""

    code: str
    message: str


class ModelFiles(_Part):
    """A model's files in the models bucket: exact object versions, and what their bytes must hash to.

    The manifest is pinned like the model, since swapped labels are as bad as swapped weights. `head`
    is the classifier's weights for explanations; most third-party models have none.
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

    @model_validator(mode="after")
    def _head_is_whole(self) -> Self:
        parts = (self.head_key, self.head_object_version, self.head_sha256)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError("head_key, head_object_version and head_sha256 go together")
        return self


class RegisteredModel(ModelFiles):
    """One version of a specialty's model in the registry.

    Attributes:
        registered_by: opaque id of the person or job that brought it.
        problems: why it was refused; empty otherwise.
    """

    specialty: Slug
    name: Slug
    status: ModelStatus
    problems: tuple[Problem, ...] = ()
    intended_use: str
    registered_by: str
    created_at: datetime


class Candidate(ModelFiles):
    """A model on trial: it answers `share` of the images, the production model the others."""

    share: float = Field(gt=0, le=1)


class ProductionPointer(ModelFiles):
    """Which model answers for a specialty. Promotion, canary and rollback each replace it as a whole.

    Attributes:
        activated_by: opaque id of the person who put it there.
        revision: raised by each write; a write names the revision it replaces.
    """

    specialty: Slug
    candidate: Candidate | None = None
    activated_by: str
    activated_at: datetime
    revision: int = Field(ge=1)
