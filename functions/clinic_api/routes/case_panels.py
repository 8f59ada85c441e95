"""Panels of readers: how many, whether they agree, who settles it, and who reads well."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from clinic_api.deps.cases import CaseReader, CaseWorker, VisibleCase
from clinic_api.deps.reviewing import PanelsCase, ReaderAdmin
from clinic_api.routes.cases import Cursor, Limit
from clinic_api.routes.responses import problems
from clinic_api.schemas.cases import PanelResponse
from clinic_api.schemas.panels import (
    AdjudicationRequest,
    AgreementResponse,
    CaseAgreementResponse,
    DisputedList,
    GoldRequest,
    GoldResponse,
    ReaderAccuracyResponse,
    ReadersRequest,
)

router = APIRouter(prefix="/v1", tags=["review"])

SpecialtyName = Annotated[str, Query(min_length=1, max_length=64, description="Which one", examples=["skin"])]


@router.put(
    "/cases/{case_id}/readers",
    operation_id="want_case_readers",
    summary="Ask for blind readers",
    responses=problems(401, 403, 404, 409, 503),
)
def want_case_readers(
    body: ReadersRequest, worker: CaseWorker, case: VisibleCase, panels: PanelsCase
) -> PanelResponse:
    """Each labels the case without seeing what the others think. Only before the first label."""
    return PanelResponse.of(panels.want_readers(worker, case, body.readers_wanted))


@router.get(
    "/cases/{case_id}/agreement",
    operation_id="get_case_agreement",
    summary="Whether a case's readers agree (doctor, admin)",
    responses=problems(401, 403, 404, 503),
)
def get_case_agreement(_reader: CaseReader, case: VisibleCase, panels: PanelsCase) -> CaseAgreementResponse:
    """One case has no kappa: see `GET /v1/agreement` for that of its specialty."""
    return CaseAgreementResponse.of(panels.of(case))


@router.post(
    "/cases/{case_id}/adjudicate",
    operation_id="adjudicate_case",
    summary="Settle what readers disagree about (doctor, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def adjudicate_case(
    body: AdjudicationRequest, reader: CaseReader, case: VisibleCase, panels: PanelsCase
) -> PanelResponse:
    """By somebody who is none of its readers. Final; it is what the case teaches."""
    return PanelResponse.of(panels.adjudicate(reader, case, body.correct_label, body.reason))


@router.get(
    "/disputed-cases",
    operation_id="list_disputed_cases",
    summary="Cases whose readers disagree (doctor, admin)",
    responses=problems(400, 401, 403, 503),
)
def list_disputed_cases(
    reader: CaseReader,
    panels: PanelsCase,
    specialty: SpecialtyName,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DisputedList:
    """Oldest first; each waits for somebody to settle it."""
    return DisputedList.of(panels.disputed(specialty, limit, cursor), reader)


@router.get(
    "/agreement",
    operation_id="get_agreement",
    summary="How well blind readers agree (doctor, admin)",
    responses=problems(401, 403, 503),
)
def get_agreement(_reader: CaseReader, panels: PanelsCase, specialty: SpecialtyName) -> AgreementResponse:
    """Cohen's kappa for each pair of readers, Fleiss' kappa for all panels of a size."""
    return AgreementResponse.of(specialty, panels.agreement(specialty))


@router.put(
    "/cases/{case_id}/gold",
    operation_id="set_gold_case",
    summary="Let a case measure readers (admin)",
    responses=problems(400, 401, 403, 404, 503),
)
def set_gold_case(
    body: GoldRequest, admin: ReaderAdmin, case: VisibleCase, panels: PanelsCase
) -> GoldResponse:
    """Its label is known. Nothing that a reader sees tells it from other cases."""
    return GoldResponse.of(panels.set_gold(admin, case, body.correct_label))


@router.delete(
    "/cases/{case_id}/gold",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="remove_gold_case",
    summary="Make a gold case one like others (admin)",
    responses=problems(401, 403, 404, 503),
)
def remove_gold_case(admin: ReaderAdmin, case: VisibleCase, panels: PanelsCase) -> None:
    """Its readers' labels stay as they are."""
    panels.remove_gold(admin, case)


@router.get(
    "/reader-accuracy",
    operation_id="get_reader_accuracy",
    summary="How often readers are right on gold cases (admin)",
    responses=problems(401, 403, 503),
)
def get_reader_accuracy(
    _admin: ReaderAdmin, panels: PanelsCase, specialty: SpecialtyName
) -> ReaderAccuracyResponse:
    """Overall and by label, from the labels as they are now."""
    return ReaderAccuracyResponse.of(specialty, panels.accuracy(specialty))
