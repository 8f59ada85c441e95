"""Models: brought by hand, listed, looked at."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import ModelAdmin, ModelReader
from clinic_api.deps.ports import Conf
from clinic_api.deps.training import Trainer
from clinic_api.deps.use_cases import ImportsCase, ModelsCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.models import (
    AnnouncedImportResponse,
    ImportResponse,
    ModelList,
    ModelRequest,
)
from clinic_api.schemas.rollout import ModelCard

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="import_model",
    summary="Announce a model and get forms to upload it with (admin)",
    responses=problems(400, 401, 403, 409, 413, 503),
)
def import_model(body: ModelRequest, admin: ModelAdmin, imports: ImportsCase) -> AnnouncedImportResponse:
    """Takes any ONNX classifier whose manifest says how to feed and read it.

    Upload `model`, then `head` if there is one, and `manifest` last: its arrival starts the checks.
    Ask for the import until its status is `candidate`, `refused` or `not_evaluable`.
    """
    announced = imports.announce(
        admin, body.manifest, body.size_bytes, body.head_size_bytes, correlation_id()
    )
    return AnnouncedImportResponse.of(announced)


@router.get(
    "",
    operation_id="list_models",
    summary="Registered models",
    responses=problems(400, 401, 403, 503),
)
def list_models(
    _person: ModelReader,
    models: ModelsCase,
    specialty: Annotated[str | None, Query(max_length=64, description="Only of this one")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Models on a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> ModelList:
    """By specialty and version. The built-in demonstration models are not registered, and so not here."""
    if specialty is None:
        return ModelList.of(models.page_of_all(limit, cursor))
    return ModelList.of(models.page(specialty, limit, cursor))


@router.get(
    "/imports/{import_id}",
    operation_id="get_model_import",
    summary="How far a model's registration has come (researcher, admin)",
    responses=problems(401, 403, 404, 503),
)
def get_model_import(import_id: str, _trainer: Trainer, imports: ImportsCase, conf: Conf) -> ImportResponse:
    """`problems` says why a model was refused."""
    return ImportResponse.of(imports.status(import_id, conf.queue_retention))


@router.get(
    "/{specialty}/{version}",
    operation_id="get_model",
    summary="One registered model",
    responses=problems(401, 403, 404, 503),
)
def get_model(specialty: str, version: str, _person: ModelReader, models: ModelsCase) -> ModelCard:
    """Its card: where it comes from, what the gate found, who put it into service, and whether it is."""
    return ModelCard.of(models.model(specialty, version))
