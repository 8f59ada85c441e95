"""The brain tumour system: a portal for the clinic, and one for patients."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Form, Query, Response, UploadFile, status
from starlette.responses import JSONResponse

from clinic_api.compat import braintumor_people as people
from clinic_api.compat import braintumor_reports as papers
from clinic_api.compat import braintumor_scans as scans
from clinic_api.compat import braintumor_shapes as shapes
from clinic_api.compat import braintumor_uploads as uploads
from clinic_api.compat import braintumor_words as words
from clinic_api.compat.application import LATER, errors_of, former_system
from clinic_api.compat.braintumor_errors import refused
from clinic_api.correlation import correlation_id
from clinic_api.deps.access import Allowed, CurrentPerson
from clinic_api.deps.former_apps import FormerAppsAccounts
from clinic_api.deps.former_patients import PatientInPath, ReportByFile, ReportWaitingCase, patient_named
from clinic_api.deps.patients import PatientsCase, PatientWorker
from clinic_api.deps.people import LimitsCase
from clinic_api.deps.ports import ClockPort
from clinic_api.deps.reports import ReportsCase, VisibleReport
from clinic_api.deps.statistics import FiguresCase, StatisticsReader
from clinic_api.trail import about
from triagelens.domain.errors import SignInError
from triagelens.domain.people import Action
from triagelens.domain.reports import Audience
from triagelens.services.images import LONGEST_WAIT_S
from triagelens.services.limits import Kind

router = APIRouter()
CLINIC = [Depends(Allowed(Action.WORK_ON_PATIENTS))]
Limit = Annotated[int, Query(ge=1, le=50)]
Cursor = Annotated[str | None, Query(max_length=200)]
Pictures = Annotated[scans.ScanPictures, Depends()]
Intake = Annotated[uploads.ScanIntake, Depends()]
NamedPatient = Annotated[words.NamedPatient, Form()]


@router.get("/api/health")
def health(clock: ClockPort) -> shapes.Health:
    return shapes.Health(timestamp=clock())


@router.post("/api/admin/login", responses=errors_of(400, 401, 403, 429))
def admin_login(body: people.Login, accounts: FormerAppsAccounts, limits: LimitsCase) -> people.AdminEntered:
    """For everybody who works here. A token for a day."""
    try:
        with limits.attempt(Kind.SIGN_IN, body.username):
            tokens, person = accounts.enter(*body.proof, correlation_id(), people.STAFF)
    except SignInError as error:
        if body.is_the_former_default:
            raise people.NoDefaultAdminError(people.NO_DEFAULT_TEXT) from error
        raise
    return people.AdminEntered.with_tokens(tokens, admin=people.AdminShape.of(person))


@router.post("/api/patient/login", responses=errors_of(400, 401, 403, 429))
def patient_login(
    body: people.Login,
    accounts: FormerAppsAccounts,
    limits: LimitsCase,
    patients: PatientsCase,
    clock: ClockPort,
) -> people.PatientEntered:
    """For patients. The first sign-in with a password that was mailed takes a `new_password`, too."""
    with limits.attempt(Kind.SIGN_IN, body.username):
        tokens, person = accounts.enter(*body.proof, correlation_id(), people.PATIENTS)
    own = patients.page(person, 1, None).items
    patient = people.PatientShape.of(own[0], clock()) if own else None
    return people.PatientEntered.with_tokens(tokens, patient=patient)


@router.get("/api/admin/dashboard/stats", responses=errors_of(401, 403))
def dashboard(_reader: StatisticsReader, figures: FiguresCase, clock: ClockPort) -> shapes.Dashboard:
    today = clock().date()
    return shapes.Dashboard(stats=shapes.Counts.of(figures.between(today, today)))


@router.get("/api/admin/patients", responses=errors_of(400, 401, 403))
def list_patients(
    worker: PatientWorker, patients: PatientsCase, clock: ClockPort, limit: Limit = 50, cursor: Cursor = None
) -> people.PatientsPage:
    return people.PatientsPage.of(patients.page(worker, limit, cursor), clock())


@router.post("/api/admin/patients", responses=errors_of(400, 401, 403))
def add_patient(
    body: people.PatientToAdd, worker: PatientWorker, patients: PatientsCase, clock: ClockPort
) -> people.OnePatient:
    """With an e-mail address, name and first password of an account go there."""
    made = patients.create(worker, body.new_patient())
    return people.OnePatient(
        message="Patient added successfully", patient=people.PatientShape.of(made, clock())
    )


@router.get("/api/patient/{id}", responses=errors_of(401, 404))
@router.get("/api/admin/patients/{id}", dependencies=CLINIC, responses=errors_of(401, 403, 404))
def get_patient(
    person: CurrentPerson, patient: PatientInPath, patients: PatientsCase, clock: ClockPort
) -> people.OnePatient:
    return people.OnePatient(patient=people.PatientShape.of(patients.read(person, patient), clock()))


@router.get("/api/patient/{id}/scans", responses=errors_of(400, 401, 404))
@router.get("/api/admin/patients/{id}/scans", dependencies=CLINIC, responses=errors_of(400, 401, 403, 404))
def list_scans(
    person: CurrentPerson,
    patient: PatientInPath,
    patients: PatientsCase,
    pictures: Pictures,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> scans.ScanList:
    """Pictures that were never drawn are drawn now, as many as fit into some seconds."""
    page = patients.images_of(person, patient, limit, cursor)
    return scans.ScanList.of(page.items, pictures, page.cursor)


@router.get("/api/patient/{id}/reports", responses=errors_of(400, 401, 404))
@router.get("/api/admin/patients/{id}/reports", dependencies=CLINIC, responses=errors_of(400, 401, 403, 404))
def list_patient_reports(
    person: CurrentPerson,
    patient: PatientInPath,
    reports: ReportsCase,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> papers.ReportsPage:
    return papers.ReportsPage.of(reports.of_patient_page(person, patient, limit, cursor))


@router.post("/api/scan/upload", responses=errors_of(400, 401, 404, 413, 503) | LATER)
def upload_scan(patient_id: NamedPatient, file: UploadFile, intake: Intake) -> uploads.Uploaded:
    """One scan, of a patient whom one may add to, or of oneself."""
    return intake.take(patient_id, [file])


@router.post(
    "/api/admin/scans/upload", dependencies=CLINIC, responses=errors_of(400, 401, 403, 404, 413, 503) | LATER
)
def upload_scans(patient_id: NamedPatient, files: list[UploadFile], intake: Intake) -> uploads.Uploaded:
    """Scans of one patient, of 4.5 MB together, answered with what was found on each."""
    return intake.take(patient_id, files)


@router.get("/api/admin/reports", dependencies=CLINIC, responses=errors_of(400, 401, 403))
def list_reports(
    person: CurrentPerson, reports: ReportsCase, limit: Limit = 20, cursor: Cursor = None
) -> papers.ReportsPage:
    """Those that one has asked for; a patient's are listed with the patient."""
    return papers.ReportsPage.of(reports.page(person, limit, cursor))


@router.post("/api/report/generate", responses=errors_of(400, 401, 403, 404, 503) | LATER)
def generate_report(
    body: papers.ReportToMake,
    worker: PatientWorker,
    patients: PatientsCase,
    reports: ReportsCase,
    waiting: ReportWaitingCase,
    response: Response,
) -> papers.ReportMade:
    """A report that the patient may see, too. 202 if it is not made within some seconds: ask again for it."""
    patient = patient_named(body.patient_id, worker, patients)
    patients.check_attachable(worker, patient.patient_id)
    report = reports.under_way(worker, patient, Audience.PATIENT)
    report = report or reports.of_patient(worker, patient, Audience.PATIENT)
    about(report.report_id)
    report = waiting.until_done(report, LONGEST_WAIT_S)
    return papers.ReportMade.of(report, reports.download(report), response)


@router.get("/api/report/download/{report_id}", status_code=302, responses=errors_of(401, 404))
def download_report(report: VisibleReport, reports: ReportsCase) -> Response:
    """Leads to the file, and tells its address to who does not follow."""
    found = papers.Download.of(reports.download(report))
    return JSONResponse(found.model_dump(), status.HTTP_302_FOUND, {"Location": found.download_url})


@router.get("/api/report/file/{filename}", responses=errors_of(401, 404))
@router.get("/api/report/download-by-filename/{filename}", responses=errors_of(401, 404))
def find_report(report: ReportByFile, reports: ReportsCase) -> papers.Download:
    return papers.Download.of(reports.download(report))


def create() -> FastAPI:
    """The API at its own paths."""
    return former_system("Brain tumour detection", router, refused)
