"""Patients: their adapter, their use cases, and who may do what with which patient."""

from typing import Annotated

from fastapi import Depends

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import Allowed, CurrentPerson
from clinic_api.deps.arrivals import PatientRecordsPort
from clinic_api.deps.arrivals import patient_records as patient_records  # where most look for it
from clinic_api.deps.cases import IfMatch
from clinic_api.deps.people import JournalPart, UsersCase
from clinic_api.deps.ports import ClockPort
from clinic_api.deps.use_cases import ImagesCase
from clinic_api.etags import versions_in
from triagelens.domain.patients import Patient
from triagelens.domain.people import Action, Person
from triagelens.services.changes import Asked
from triagelens.services.patients import Patients


def patients(
    records: PatientRecordsPort,
    users: UsersCase,
    images: ImagesCase,
    clock: ClockPort,
    journal: JournalPart,
) -> Patients:
    return Patients(records, users, images, clock, journal)


PatientsCase = Annotated[Patients, Depends(patients)]
PatientWorker = Annotated[Person, Depends(Allowed(Action.WORK_ON_PATIENTS))]


def visible_patient(patient_id: str, person: CurrentPerson, patients: PatientsCase) -> Patient:
    """The patient that the path names, if the person may see it: the one place that decides this."""
    return patients.visible_to(person, patient_id)


VisiblePatient = Annotated[Patient, Depends(visible_patient)]


def asked(worker: PatientWorker, _patient: VisiblePatient, if_match: IfMatch = None) -> Asked:
    """Who changes the record, and which version of it; not before it is certain that they may see it."""
    return Asked(worker, versions_in(if_match), correlation_id())


PatientChange = Annotated[Asked, Depends(asked)]
