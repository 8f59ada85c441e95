"""Patients: their records, and what is theirs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.patients import PatientChange, PatientsCase, PatientWorker, VisiblePatient
from clinic_api.deps.ports import ClockPort
from clinic_api.etags import etag
from clinic_api.routes.responses import problems
from clinic_api.schemas.cases import CaseList
from clinic_api.schemas.images import ImageList
from clinic_api.schemas.patients import (
    PatientAmendmentRequest,
    PatientList,
    PatientRequest,
    PatientResponse,
)
from triagelens.domain.patients import Patient

router = APIRouter(prefix="/v1/patients", tags=["patients"])

Limit = Annotated[int, Query(ge=1, le=50, description="Entries on a page")]
Cursor = Annotated[str | None, Query(max_length=200, description="From the page before")]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="create_patient",
    summary="Make a patient's record, and invite them if asked",
    responses=problems(400, 401, 403, 409, 429, 503),
)
def create_patient(
    body: PatientRequest,
    worker: PatientWorker,
    patients: PatientsCase,
    clock: ClockPort,
    response: Response,
) -> PatientResponse:
    """With `invite`, a first password goes to the address. Should that stop half-way, send the same again."""
    return _shown(patients.create(worker, body.new_patient()), clock(), response)


@router.get(
    "",
    operation_id="list_patients",
    summary="Patients, newest first",
    responses=problems(400, 401, 403, 503),
)
def list_patients(
    person: CurrentPerson,
    patients: PatientsCase,
    clock: ClockPort,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> PatientList:
    """Doctors and admins see all patients, gps their own, and everybody else the record that is theirs."""
    return PatientList.of(patients.page(person, limit, cursor), clock())


@router.get(
    "/{patient_id}",
    operation_id="get_patient",
    summary="A patient's record",
    responses=problems(401, 403, 404, 503),
)
def get_patient(
    person: CurrentPerson,
    patient: VisiblePatient,
    patients: PatientsCase,
    clock: ClockPort,
    response: Response,
) -> PatientResponse:
    """The `ETag` names the version, for a change to refer to."""
    return _shown(patients.read(person, patient), clock(), response)


@router.patch(
    "/{patient_id}",
    operation_id="amend_patient",
    summary="Change a patient's record",
    responses=problems(400, 401, 403, 404, 409, 412, 428, 503),
)
def amend_patient(
    body: PatientAmendmentRequest,
    change: PatientChange,
    patient: VisiblePatient,
    patients: PatientsCase,
    clock: ClockPort,
    response: Response,
) -> PatientResponse:
    """The account, if there is one, keeps the address that it was invited by."""
    return _shown(patients.amend(change, patient, body.changes()), clock(), response)


@router.get(
    "/{patient_id}/images",
    operation_id="list_patient_images",
    summary="A patient's images, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def list_patient_images(
    person: CurrentPerson,
    patient: VisiblePatient,
    patients: PatientsCase,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ImageList:
    """Those that were announced with this `patient_id`, whoever sent them."""
    return ImageList.of(patients.images_of(person, patient, limit, cursor))


@router.get(
    "/{patient_id}/cases",
    operation_id="list_patient_cases",
    summary="A patient's cases, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def list_patient_cases(
    person: CurrentPerson,
    patient: VisiblePatient,
    patients: PatientsCase,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> CaseList:
    """Those that name this `patient_id`, whoever made them."""
    return CaseList.of(patients.cases_of(person, patient, limit, cursor), person)


def _shown(patient: Patient, now: datetime, response: Response) -> PatientResponse:
    response.headers["ETag"] = etag(patient.version)
    return PatientResponse.of(patient, now)
