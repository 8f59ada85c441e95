"""Reports of cases and patients, as PDF."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.cases import CaseWorker, VisibleCase
from clinic_api.deps.patients import PatientsCase, PatientWorker, VisiblePatient
from clinic_api.deps.ports import ClockPort
from clinic_api.deps.reports import FormerReportsCase, ReportsCase, TakesOver, VisibleReport
from clinic_api.routes.responses import problems
from clinic_api.schemas.reports import (
    FormerReportRequest,
    ReportDetailResponse,
    ReportList,
    ReportRequest,
    ReportResponse,
    TakenOverResponse,
)

router = APIRouter(prefix="/v1", tags=["reports"])

Limit = Annotated[int, Query(ge=1, le=50, description="Entries on a page")]
Cursor = Annotated[str | None, Query(max_length=200, description="From the page before")]


@router.post(
    "/cases/{case_id}/reports",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="request_case_report",
    summary="Ask for a report of a case",
    responses=problems(401, 403, 404, 503),
)
def request_case_report(
    worker: CaseWorker, case: VisibleCase, reports: ReportsCase, body: ReportRequest | None = None
) -> ReportResponse:
    """It is made within seconds: see `GET /v1/reports/{report_id}`, or listen for `report.ready`.

    It shows the patient's details if you may see the patient. Without a change since the last one, the
    same file is given again.
    """
    return ReportResponse.of(reports.of_case(worker, case, (body or ReportRequest()).audience))


@router.get(
    "/cases/{case_id}/reports",
    operation_id="list_case_reports",
    summary="Reports of a case, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def list_case_reports(
    person: CurrentPerson, case: VisibleCase, reports: ReportsCase, limit: Limit = 20, cursor: Cursor = None
) -> ReportList:
    """Those that you may see; a page may hold fewer than `limit`."""
    return ReportList.of(reports.of_case_page(person, case, limit, cursor))


@router.post(
    "/patients/{patient_id}/reports",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="request_patient_report",
    summary="Ask for a report of a patient",
    responses=problems(401, 403, 404, 503),
)
def request_patient_report(
    worker: PatientWorker,
    patient: VisiblePatient,
    patients: PatientsCase,
    reports: ReportsCase,
    body: ReportRequest | None = None,
) -> ReportResponse:
    """All analysed images, up to the newest 200, and what became of each case."""
    patients.check_attachable(worker, patient.patient_id)
    return ReportResponse.of(reports.of_patient(worker, patient, (body or ReportRequest()).audience))


@router.get(
    "/patients/{patient_id}/reports",
    operation_id="list_patient_reports",
    summary="Reports that show a patient's details, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def list_patient_reports(
    person: CurrentPerson,
    patient: VisiblePatient,
    reports: ReportsCase,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ReportList:
    """Those of the patient and of their cases that you may see; a page may hold fewer than `limit`."""
    return ReportList.of(reports.of_patient_page(person, patient, limit, cursor))


@router.post(
    "/patients/{patient_id}/former-reports",
    status_code=status.HTTP_201_CREATED,
    operation_id="take_over_report",
    summary="Take over a report that a former system made of a patient (admin)",
    responses={
        200: {"model": TakenOverResponse, "description": "It was there before"},
        202: {"model": TakenOverResponse, "description": "Its file is not there yet: send it to `upload`"},
        **problems(400, 401, 403, 404, 503),
    },
)
def take_over_report(
    admin: TakesOver,
    patient: VisiblePatient,
    patients: PatientsCase,
    former: FormerReportsCase,
    body: FormerReportRequest,
    response: Response,
) -> TakenOverResponse:
    """Made twice: the first answer says where to send the PDF, the second one has the report.

    It is then a report of the patient like any other, and says which system it comes from. The same
    reference and file again give the same report. Nobody is told or mailed.
    """
    patients.check_attachable(admin, patient.patient_id)
    taken = former.take_over(admin, patient, body.former_file())
    if not taken.made:
        response.status_code = status.HTTP_202_ACCEPTED if taken.report is None else status.HTTP_200_OK
    return TakenOverResponse.of(taken)


@router.get(
    "/reports",
    operation_id="list_reports",
    summary="Reports that you asked for, newest first",
    responses=problems(400, 401, 403, 503),
)
def list_reports(
    person: CurrentPerson, reports: ReportsCase, limit: Limit = 20, cursor: Cursor = None
) -> ReportList:
    """A patient is shown the reports about them that are for patients."""
    return ReportList.of(reports.page(person, limit, cursor))


@router.get(
    "/reports/{report_id}",
    operation_id="get_report",
    summary="A report, and where to fetch it",
    responses=problems(401, 403, 404, 503),
)
def get_report(report: VisibleReport, reports: ReportsCase, clock: ClockPort) -> ReportDetailResponse:
    """`download` is there once the status is `ready`. The file's name tells nothing of whom it is."""
    return ReportDetailResponse.with_download(report, reports.download(report), clock())
