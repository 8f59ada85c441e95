"""Which registered model answers: promotion, rollback, retirement, replays, and the broken glass."""

from typing import Annotated

from fastapi import APIRouter, Depends, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import ModelAdmin
from clinic_api.deps.use_cases import ModelsCase, ReplaysCase, RolloutCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.models import ActivationRequest
from clinic_api.schemas.rollout import (
    ModelCard,
    PromotionRequest,
    ReasonRequest,
    ReplayLimits,
    ReplayResponse,
)
from triagelens.domain.specialties import specialty as known_specialty
from triagelens.services.rollout import AskedOf

router = APIRouter(prefix="/v1/models/{specialty}/{version}", tags=["models"])


class Asking:
    """Who asks, of which model: what each of these routes begins with."""

    def __init__(self, specialty: str, version: str, admin: ModelAdmin) -> None:
        self._specialty, self._version = specialty, version
        self._admin = admin

    def of(self, reason: str | None = None) -> AskedOf:
        return AskedOf(self._admin, self._specialty, self._version, reason, correlation_id())


Asks = Annotated[Asking, Depends(Asking)]


@router.post(
    "/promote",
    operation_id="promote_model",
    summary="Give a model a share of the images, or all of them (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def promote_model(body: PromotionRequest, asks: Asks, rollout: RolloutCase, models: ModelsCase) -> ModelCard:
    """Somebody else than who trained or brought it puts it into service, within 30 seconds everywhere.

    With a share below 1 it is on trial: the same images always get the same model, and a trial that goes
    worse than production ends by itself. A model without a verdict of the gate needs a reason.
    """
    asked = asks.of(body.reason)
    rollout.promote(asked, body.share)
    return ModelCard.of(models.model(asked.specialty, asked.version))


@router.post(
    "/rollback",
    operation_id="roll_back_model",
    summary="Take a model out of service (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def roll_back_model(body: ReasonRequest, asks: Asks, rollout: RolloutCase, models: ModelsCase) -> ModelCard:
    """A trial ends; production goes back to the model before it, within 30 seconds everywhere.

    Where there is none before, the built-in demonstration model answers again, or in production nothing.
    """
    asked = asks.of(body.reason)
    rollout.rollback(asked)
    return ModelCard.of(models.model(asked.specialty, asked.version))


@router.post(
    "/retire",
    operation_id="retire_model",
    summary="Keep a model from ever serving again (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def retire_model(body: ReasonRequest, asks: Asks, rollout: RolloutCase, models: ModelsCase) -> ModelCard:
    """Not while it serves, or while a rollback would go back to it."""
    asked = asks.of(body.reason)
    rollout.retire(asked)
    return ModelCard.of(models.model(asked.specialty, asked.version))


@router.post(
    "/activate",
    operation_id="activate_model",
    summary="Put a model into production at once (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def activate_model(
    body: ActivationRequest, asks: Asks, rollout: RolloutCase, models: ModelsCase
) -> ModelCard:
    """Breaks the glass: passes by a missing verdict of the gate, and ends any trial. The reason is kept.

    A model that the gate refused stays refused. Who started the training never activates what came of it;
    who brought a model by hand does, but not in production.
    """
    asked = asks.of(body.reason)
    rollout.activate(asked)
    return ModelCard.of(models.model(asked.specialty, asked.version))


@router.post(
    "/replay",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="replay_model",
    summary="Score stored images with a model, and list every other answer (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def replay_model(body: ReplayLimits, asks: Asks, replays: ReplaysCase) -> ReplayResponse:
    """Runs beside the service and changes nothing. Ask for the replay until it is `completed` or `failed`."""
    replay = replays.begin(asks.of(), body.limit)
    return ReplayResponse.of(replay, known_specialty(replay.specialty).urgent_labels)


@router.get(
    "/replays/{replay_id}",
    operation_id="get_replay",
    summary="How far a replay has come, and what it found (admin)",
    responses=problems(401, 403, 404, 503),
)
def get_replay(
    specialty: str, version: str, replay_id: str, _admin: ModelAdmin, replays: ReplaysCase
) -> ReplayResponse:
    """Flips against the stored findings, by old and new label: first what no longer looks urgent."""
    replay = replays.replay(specialty, version, replay_id)
    return ReplayResponse.of(replay, known_specialty(replay.specialty).urgent_labels)
