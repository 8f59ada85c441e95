"""Erasing patients, and the receipts that stay."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from clinic_api.deps.erasures import Eraser, ErasuresCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.erasures import ErasureList, ErasureResponse

router = APIRouter(prefix="/v1", tags=["patients"])

Limit = Annotated[int, Query(ge=1, le=50, description="Entries on a page")]
Cursor = Annotated[str | None, Query(max_length=200, description="From the page before")]


@router.delete(
    "/patients/{patient_id}",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="erase_patient",
    summary="Erase a patient, with everything that is theirs",
    responses=problems(401, 403, 404, 412, 503),
)
def erase_patient(patient_id: str, person: Eraser, erasures: ErasuresCase) -> ErasureResponse:
    """Nobody finds the patient from now on; images, cases and account are gone within minutes.

    It cannot be undone. Ask again for the same receipt as it stands by then.
    """
    return ErasureResponse.of(erasures.begin(person, patient_id))


@router.get(
    "/erasures",
    operation_id="list_erasures",
    summary="Receipts of erasures, newest first",
    responses=problems(400, 401, 403, 503),
)
def list_erasures(
    person: Eraser, erasures: ErasuresCase, limit: Limit = 20, cursor: Cursor = None
) -> ErasureList:
    """Those of every patient; a receipt tells nothing of whom it is."""
    return ErasureList.of(erasures.page(person, limit, cursor))


@router.get(
    "/erasures/{erasure_id}",
    operation_id="get_erasure",
    summary="The receipt of an erasure",
    responses=problems(401, 403, 404, 503),
)
def get_erasure(erasure_id: str, person: Eraser, erasures: ErasuresCase) -> ErasureResponse:
    """How far it has come, and which snapshots and models have learnt from the patient's images."""
    return ErasureResponse.of(erasures.one(person, erasure_id))
