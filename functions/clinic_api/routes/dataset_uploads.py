"""Where the files of a dataset go: fresh forms, single files, parts."""

from fastapi import APIRouter, status

from clinic_api.deps.datasets import DatasetKeeper, DatasetPartsCase, DatasetsCase, KnownDataset
from clinic_api.deps.ports import ClockPort
from clinic_api.routes.responses import problems
from clinic_api.schemas.datasets import (
    DatasetResponse,
    FilePlaces,
    FilesRequest,
    PartNumbersRequest,
    PartPlaces,
    PartsResponse,
    shown,
)
from clinic_api.schemas.images import UploadFormResponse

router = APIRouter(prefix="/v1/datasets/{dataset_id}", tags=["datasets"])


@router.post(
    "/form",
    operation_id="renew_dataset_form",
    summary="Get a fresh form for a dataset's archive (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def renew_dataset_form(dataset: KnownDataset, datasets: DatasetsCase, clock: ClockPort) -> UploadFormResponse:
    """For an archive in one piece whose first form ran out. What was sent last before `ingest` counts."""
    return shown(datasets.form(dataset), clock())


@router.post(
    "/files",
    operation_id="announce_dataset_files",
    summary="Announce single files and get a form for each (researcher, admin)",
    responses=problems(400, 401, 403, 404, 409, 413, 503),
)
def announce_dataset_files(
    dataset_id: str, body: FilesRequest, _keeper: DatasetKeeper, datasets: DatasetsCase, clock: ClockPort
) -> FilePlaces:
    """Images and `metadata.csv`, up to 100 in one request; again for the same path gives a fresh form.

    What is announced and never comes is listed among the problems.
    """
    announced = [(file.path, file.size_bytes) for file in body.files]
    return FilePlaces.of(datasets.announce_files(dataset_id, announced), clock())


@router.get(
    "/parts",
    operation_id="list_dataset_parts",
    summary="Which parts of an archive have come (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def list_dataset_parts(dataset: KnownDataset, parts: DatasetPartsCase) -> PartsResponse:
    """So that a broken upload goes on from where it was."""
    return PartsResponse.of(dataset, parts.arrived(dataset))


@router.post(
    "/parts",
    operation_id="place_dataset_parts",
    summary="Get places for parts of an archive (researcher, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def place_dataset_parts(
    body: PartNumbersRequest, dataset: KnownDataset, parts: DatasetPartsCase, clock: ClockPort
) -> PartPlaces:
    """Up to 100 at a time. PUT each part to its `url`, with exactly its length, before it expires.

    Parts that were sent are kept for a week.
    """
    return PartPlaces.of(parts.places(dataset, body.part_numbers), clock())


@router.post(
    "/complete",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="complete_dataset",
    summary="Put an archive's parts together and ingest it (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def complete_dataset(dataset_id: str, keeper: DatasetKeeper, parts: DatasetPartsCase) -> DatasetResponse:
    """Says which parts are missing, if any are. Safe to repeat: there is one archive and one job."""
    return DatasetResponse.of(parts.complete(keeper, dataset_id))


@router.post(
    "/abort",
    operation_id="abort_dataset",
    summary="Give a dataset up before it is ingested (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def abort_dataset(dataset_id: str, keeper: DatasetKeeper, parts: DatasetPartsCase) -> DatasetResponse:
    """What came of it is removed, and its places close. Safe to repeat."""
    return DatasetResponse.of(parts.abort(keeper, dataset_id))
