"""Promotion, rollback, retirement and replays over HTTP."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from clinic_api.schemas.models import ModelResponse
from triagelens.domain.gate import GateReport
from triagelens.domain.manifest import TrainingSpec
from triagelens.domain.models import Decision
from triagelens.domain.replay import MOST_IMAGES, FlippedPair, Replay, ReplayStatus, pairs
from triagelens.services.models import ListedModel

Reason = Annotated[
    str,
    Field(
        min_length=5,
        max_length=500,
        description="Kept for ever: name no patient in it",
        examples=["Version 2026.10.2 fails on images from clinic 3"],
    ),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PromotionRequest(_Request):
    """How many images the model answers from now on."""

    share: float = Field(
        ge=0, le=1, allow_inf_nan=False, description="1 for all images; below it, a trial", examples=[0.1]
    )
    reason: Reason | None = Field(default=None, description="Required where the gate had no verdict")


class ReasonRequest(_Request):
    """Why, if there is something to say."""

    reason: Reason | None = Field(default=None, examples=["Replaced by 2026.11.2"])


class ReplayLimits(_Request):
    """How much is looked at."""

    limit: int = Field(
        default=200, ge=1, le=MOST_IMAGES, description="Images, the latest first", examples=[200]
    )


class ModelCard(ModelResponse):
    """Everything that is known of a registered model."""

    licence: str | None
    labels: list[str] = Field(examples=[["mel", "nv"]], description="In the order of its output")
    head_sha256: str | None
    signed: bool = Field(description="Whether this deployment signed its digests")
    job_id: str | None = Field(description="The training job that it comes from")
    started_by: str | None = Field(description="Who started that job: somebody else has to promote it")
    training: TrainingSpec | None = Field(description="Data snapshot, code version and its own figures")
    gate: GateReport | None = Field(description="Every figure and verdict of the gate")
    decisions: list[Decision] = Field(description="Who put it into service, and who retired it")

    @classmethod
    def of(cls, listed: ListedModel) -> Self:
        model = listed.model
        return cls(
            **ModelResponse.of(listed).model_dump(),
            licence=model.licence,
            labels=list(model.labels),
            head_sha256=model.head_sha256,
            signed=model.signature is not None,
            job_id=model.job_id,
            started_by=model.started_by,
            training=model.training,
            gate=model.gate,
            decisions=list(model.decisions),
        )


class ReplayResponse(BaseModel):
    """How far a replay has come, and every other answer it found so far."""

    replay_id: str = Field(examples=["01k9qq3ztm5c2v8e6x4r1n7d0b"])
    specialty: str = Field(examples=["skin"])
    version: str = Field(examples=["2026.11.1"])
    status: ReplayStatus
    limit: int
    scored: int = Field(description="Images that the model answered")
    missing: int = Field(description="Images whose working image is gone")
    failures: list[str] = Field(
        description="Ids of images that the model gave no answer to",
        examples=[["01JD3M4Z8YV5Q2W7K9X0ABCDEF"]],
    )
    flipped: int = Field(description="Images with another answer than their stored finding")
    flips: list[FlippedPair] = Field(description="By labels, the worst first")
    message: str | None = Field(description="Why it failed")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, replay: Replay, urgent: Collection[str]) -> Self:
        return cls(
            replay_id=replay.replay_id,
            specialty=replay.specialty,
            version=replay.version,
            status=replay.status,
            limit=replay.limit,
            scored=replay.scored,
            missing=replay.missing,
            failures=list(replay.failures),
            flipped=len(replay.flips),
            flips=pairs(replay.flips, urgent),
            message=replay.message,
            created_at=replay.created_at,
            updated_at=replay.updated_at,
        )
