"""DermaScan's backend of datasets and trainings."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, UploadFile
from starlette.responses import JSONResponse, Response

from clinic_api.compat.application import errors_of, former_system
from clinic_api.compat.dermascan_shapes import (
    SPECIALTY,
    Datasets,
    JobState,
    Models,
    Started,
    StartTraining,
    Uploaded,
)
from clinic_api.compat.fastapi_errors import detail_of
from clinic_api.deps.access import ModelReader
from clinic_api.deps.datasets import DatasetKeeper, DatasetsCase, SmallDatasetsCase
from clinic_api.deps.training import JobRequestsCase, Trainer
from clinic_api.deps.use_cases import ModelsCase
from clinic_api.errors import Refusal
from clinic_api.schemas.datasets import DatasetName
from clinic_api.trail import about
from triagelens.domain.manifest import Slug
from triagelens.services.small_datasets import SentFile

PAGE = 50
Cursor = Annotated[str | None, Query(max_length=200, description="From the page before")]

router = APIRouter()


@router.post("/api/upload-dataset", responses=errors_of(400, 401, 403, 409, 413, 422, 503))
def upload_dataset(
    name: Annotated[DatasetName, Query(alias="datasetName")],
    files: list[UploadFile],
    keeper: DatasetKeeper,
    datasets: SmallDatasetsCase,
    specialty: Annotated[Slug, Query(description="One that is not in the table keeps its own labels")] = (
        SPECIALTY
    ),
) -> Uploaded:
    """Keeps a dataset, and begins to ingest it."""
    sent = [SentFile(file.filename or "", file.file.read()) for file in files]
    dataset = datasets.take(keeper, name, specialty, sent)
    about(dataset.dataset_id)
    return Uploaded.of(dataset, sent)


@router.post("/api/start-training", responses=errors_of(401, 403, 404, 409, 422, 503))
def start_training(
    body: StartTraining, trainer: Trainer, datasets: SmallDatasetsCase, jobs: JobRequestsCase
) -> Started:
    """Queues the training of a model on the dataset of that name."""
    dataset = datasets.ready(body.dataset_name)
    return Started.of(jobs.start(trainer, body.training_request(dataset), key=None))


@router.get("/api/job/{job_id}/status", responses=errors_of(401, 403, 404))
def job_status(job_id: str, _trainer: Trainer, jobs: JobRequestsCase) -> JobState:
    """How far a job has come."""
    return JobState.of(jobs.job(job_id))


@router.get("/api/datasets", responses=errors_of(400, 401, 403))
def list_datasets(_keeper: DatasetKeeper, datasets: DatasetsCase, cursor: Cursor = None) -> Datasets:
    """Datasets of the whole organisation, newest first."""
    return Datasets.of(datasets.page(PAGE, cursor))


@router.get("/api/models", responses=errors_of(400, 401, 403))
def list_models(_reader: ModelReader, models: ModelsCase, cursor: Cursor = None) -> Models:
    """Registered models, by specialty and version."""
    return Models.of(models.page_of_all(PAGE, cursor))


def refused(refusal: Refusal) -> Response:
    """An error as FastAPI tells it."""
    return JSONResponse({"detail": detail_of(refusal)}, refusal.status, refusal.headers)


def create() -> FastAPI:
    """The API at its own paths."""
    return former_system("DermaScan", router, refused)
