"""Datasets: announce, look at, have ingested."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from clinic_api.deps.datasets import DatasetKeeper, DatasetsCase, KnownDataset
from clinic_api.deps.ports import ClockPort
from clinic_api.routes.responses import problems
from clinic_api.schemas.datasets import (
    CreatedDatasetResponse,
    DatasetList,
    DatasetRequest,
    DatasetResponse,
    LabelsDatasetRequest,
    PartsResponse,
    shown,
)
from clinic_api.trail import about
from triagelens.domain.datasets import DatasetForm, DatasetStatus

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

RETRY_AFTER_S = 5


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="create_dataset",
    summary="Announce a dataset and get a place for its files (researcher, admin)",
    responses=problems(400, 401, 403, 413, 503),
)
def create_dataset(
    body: DatasetRequest, keeper: DatasetKeeper, datasets: DatasetsCase, clock: ClockPort
) -> CreatedDatasetResponse:
    """Takes a zip, tar or tgz of up to 5 GB in one form, up to 50 GB in parts, or files one by one.

    With `archive`, POST the file to `upload` and then ask to `ingest`. With `multipart`, ask for places of
    its `parts`, send them, and `complete`. With `files`, announce them at `files`, send them, and `ingest`.
    """
    dataset = datasets.create(keeper, body.new_dataset())
    about(dataset.dataset_id)
    made = CreatedDatasetResponse.of(dataset)
    if dataset.form is DatasetForm.ARCHIVE:
        made.upload = shown(datasets.form(dataset), clock())
    if dataset.form is DatasetForm.MULTIPART:
        made.parts = PartsResponse.of(dataset, [])
    return made


@router.post(
    "/from-labels",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="create_dataset_from_labels",
    summary="Make a dataset of what readers have labelled (researcher, admin)",
    responses=problems(400, 401, 403, 503),
)
def create_dataset_from_labels(
    body: LabelsDatasetRequest, keeper: DatasetKeeper, datasets: DatasetsCase
) -> DatasetResponse:
    """Starts a job that takes a snapshot of the labelled cases of a specialty.

    A case teaches the label on which its readers agree, or the one that settled their dispute; a rejected
    case teaches nothing. Labels given later need another dataset.
    """
    dataset = datasets.from_labels(keeper, body.new_dataset())
    about(dataset.dataset_id)
    return DatasetResponse.of(dataset)


@router.get(
    "",
    operation_id="list_datasets",
    summary="Datasets, newest first (researcher, admin)",
    responses=problems(400, 401, 403, 503),
)
def list_datasets(
    _keeper: DatasetKeeper,
    datasets: DatasetsCase,
    limit: Annotated[int, Query(ge=1, le=50, description="Datasets on a page")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> DatasetList:
    """Those of the whole organisation."""
    return DatasetList.of(datasets.page(limit, cursor))


@router.get(
    "/{dataset_id}",
    operation_id="get_dataset",
    summary="A dataset and what became of it (researcher, admin)",
    responses=problems(401, 403, 404, 503),
)
def get_dataset(dataset: KnownDataset, datasets: DatasetsCase, response: Response) -> DatasetResponse:
    """Counts by label and set, what was left out and why, and the snapshots made of it.

    While it is being ingested, `Retry-After` says when to ask again.
    """
    if dataset.status is DatasetStatus.INGESTING:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return DatasetResponse.of(dataset, datasets.problems_url(dataset))


@router.post(
    "/{dataset_id}/ingest",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="ingest_dataset",
    summary="Have a dataset that has arrived ingested (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def ingest_dataset(dataset_id: str, keeper: DatasetKeeper, datasets: DatasetsCase) -> DatasetResponse:
    """Starts the job that makes a snapshot. Asked twice, there is one; after a failure there is a new one.

    `job_id` names it: `GET /v1/training-jobs/{job_id}` tells how far it is.
    """
    return DatasetResponse.of(datasets.ingest(keeper, dataset_id))
