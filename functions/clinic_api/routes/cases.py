"""Cases and their numbers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.cases import (
    CaseNumbersPort,
    CasesCase,
    CaseWorker,
    Change,
    PanelRecordsPort,
    VisibleCase,
)
from clinic_api.deps.patients import PatientsCase
from clinic_api.etags import etag
from clinic_api.routes.responses import problems
from clinic_api.schemas.cases import (
    CaseAmendmentRequest,
    CaseDetailResponse,
    CaseList,
    CaseNumberResponse,
    CaseReasonRequest,
    CaseRequest,
    CaseResponse,
    ConfirmCaseRequest,
)
from clinic_api.trail import about
from triagelens.domain.cases import Case, CaseStatus, Move
from triagelens.domain.people import Person

router = APIRouter(prefix="/v1/cases", tags=["cases"])

Limit = Annotated[int, Query(ge=1, le=100, description="Entries on a page")]
Cursor = Annotated[str | None, Query(max_length=200, description="From the page before")]


@router.post(
    "/ids",
    status_code=status.HTTP_201_CREATED,
    operation_id="take_case_number",
    summary="Take a case number",
    responses=problems(401, 403, 503),
)
def take_case_number(worker: CaseWorker, numbers: CaseNumbersPort) -> CaseNumberResponse:
    """Nobody else gets this number, until you release it. Released numbers are given out first."""
    return CaseNumberResponse(number=numbers.take(worker.sub))


@router.delete(
    "/ids/{number}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="release_case_number",
    summary="Release a case number that no case has",
    responses=problems(401, 403, 404, 409, 503),
)
def release_case_number(
    number: Annotated[int, Path(ge=1, le=9_999_999_999)], worker: CaseWorker, numbers: CaseNumbersPort
) -> None:
    """Only its holder can, and only as long as no case has it."""
    numbers.release(number, worker.sub)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="create_case",
    summary="Make a case of images",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def create_case(
    body: CaseRequest, worker: CaseWorker, cases: CasesCase, patients: PatientsCase, response: Response
) -> CaseResponse:
    """An image is in at most one case that is not decided; its owner and the case's patient see it."""
    if body.patient_id is not None:
        patients.check_attachable(worker, body.patient_id)
    case = cases.open(worker, body.new_case(), correlation_id())
    about(case.case_id)
    return _shown(case, worker, response)


@router.get(
    "", operation_id="list_cases", summary="Cases, newest first", responses=problems(400, 401, 403, 503)
)
def list_cases(
    person: CurrentPerson,
    cases: CasesCase,
    wanted: Annotated[CaseStatus | None, Query(alias="status", description="Only of this status")] = None,
    specialty: Annotated[str | None, Query(max_length=64, description="Only of this one")] = None,
    include_uncertain: Annotated[bool, Query(description="Uncertain ones too")] = True,
    include_rejected: Annotated[bool, Query(description="Rejected ones too")] = True,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> CaseList:
    """Doctors and admins see all cases, everybody else their own and those of their own images."""
    statuses = frozenset(CaseStatus if wanted is None else [wanted])
    if not include_uncertain:
        statuses -= {CaseStatus.UNCERTAIN}
    if not include_rejected:
        statuses -= {CaseStatus.REJECTED}
    return CaseList.of(cases.page(person, specialty, statuses, limit, cursor), person)


@router.get(
    "/{case_id}",
    operation_id="get_case",
    summary="A case with its images and their findings",
    responses=problems(401, 403, 404, 503),
)
def get_case(
    person: CurrentPerson, case: VisibleCase, cases: CasesCase, panels: PanelRecordsPort, response: Response
) -> CaseDetailResponse:
    """The `ETag` names the version, for a change to refer to."""
    response.headers["ETag"] = etag(case.version)
    return CaseDetailResponse.with_images(case, person, cases.images_of(case), panels.panel(case))


@router.patch(
    "/{case_id}",
    operation_id="amend_case",
    summary="Change a case that is not decided",
    responses=problems(400, 401, 403, 404, 409, 412, 428, 503),
)
def amend_case(
    body: CaseAmendmentRequest,
    worker: CaseWorker,
    case: VisibleCase,
    change: Change,
    cases: CasesCase,
    patients: PatientsCase,
    response: Response,
) -> CaseResponse:
    """Its images, its patient or its notes; former ones stay in the history."""
    if body.patient_id not in (None, case.patient_id):
        patients.check_attachable(worker, body.patient_id)
    return _shown(cases.amend(change, case, body.changes()), worker, response)


@router.post(
    "/{case_id}/confirm",
    operation_id="confirm_case",
    summary="Decide a case with a diagnosis",
    responses=problems(401, 403, 404, 409, 412, 428, 503),
)
def confirm_case(
    body: ConfirmCaseRequest,
    worker: CaseWorker,
    case: VisibleCase,
    change: Change,
    cases: CasesCase,
    response: Response,
) -> CaseResponse:
    """Final. Its images can be part of another case afterwards."""
    decided = cases.decide(change, case, Move.CONFIRM, body.reason, body.final_diagnosis)
    return _shown(decided, worker, response)


@router.post(
    "/{case_id}/uncertain",
    operation_id="mark_case_uncertain",
    summary="Leave a case to somebody who knows better",
    responses=problems(401, 403, 404, 409, 412, 428, 503),
)
def mark_case_uncertain(
    body: CaseReasonRequest,
    worker: CaseWorker,
    case: VisibleCase,
    change: Change,
    cases: CasesCase,
    response: Response,
) -> CaseResponse:
    """It can still be confirmed or rejected."""
    return _shown(cases.decide(change, case, Move.DOUBT, body.reason), worker, response)


@router.post(
    "/{case_id}/reject",
    operation_id="reject_case",
    summary="Put a case aside",
    responses=problems(401, 403, 404, 409, 412, 428, 503),
)
def reject_case(
    body: CaseReasonRequest,
    worker: CaseWorker,
    case: VisibleCase,
    change: Change,
    cases: CasesCase,
    response: Response,
) -> CaseResponse:
    """Final. Its images can be part of another case afterwards."""
    return _shown(cases.decide(change, case, Move.REJECT, body.reason), worker, response)


def _shown(case: Case, person: Person, response: Response) -> CaseResponse:
    response.headers["ETag"] = etag(case.version)
    return CaseResponse.of(case, person)
