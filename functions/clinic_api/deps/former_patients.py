"""What an app needs that knows patients by number, shows pictures of findings and waits for reports."""

import re
from typing import Annotated

from fastapi import Depends, Path

from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.explanations import ExplainerPort
from clinic_api.deps.patients import PatientsCase
from clinic_api.deps.ports import StopwatchPort, WaitingRoomPort
from clinic_api.deps.reports import ReportsCase, report_records
from clinic_api.trail import about
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import is_id
from triagelens.domain.patients import Patient
from triagelens.domain.people import Person
from triagelens.domain.reports import Report
from triagelens.services.explanations import Illustrating
from triagelens.services.patients import Patients
from triagelens.services.report_ports import ReportRecords
from triagelens.services.report_waiting import ReportWaiting

# No picture is begun later than that, in seconds from a request's beginning: one that is drawn by occlusion
# takes 15 s and more, and the gateway gives up after 29.
DRAWING_S = 8
_FILE_NAME = re.compile(r"([0-9a-z]{26})\.pdf")


def patient_named(name: str, person: Person, patients: Patients) -> Patient:
    """The patient of that id or number, if the person may see them.

    Raises:
        NotFoundError: in the same words whether there is none or it is somebody else's.
    """
    patient = patients.visible_to(person, name) if is_id(name) else patients.numbered(person, name)
    about(patient.patient_id)
    return patient


def patient_in_path(
    name: Annotated[str, Path(alias="id", description="A patient's id or number")],
    person: CurrentPerson,
    patients: PatientsCase,
) -> Patient:
    return patient_named(name, person, patients)


def report_by_file(filename: str, person: CurrentPerson, reports: ReportsCase) -> Report:
    """The report that a file's name stands for: its id and `.pdf`, and nothing else."""
    named = _FILE_NAME.fullmatch(filename)
    if named is None:
        raise NotFoundError("There is no such report.")
    about(named[1])
    return reports.visible_to(person, named[1])


def illustrating(explainer: ExplainerPort, stopwatch: StopwatchPort) -> Illustrating:
    return Illustrating(explainer, stopwatch, stopwatch.now() + DRAWING_S)


def report_waiting(
    records: Annotated[ReportRecords, Depends(report_records)],
    room: WaitingRoomPort,
    stopwatch: StopwatchPort,
) -> ReportWaiting:
    return ReportWaiting(records, room, stopwatch)


PatientInPath = Annotated[Patient, Depends(patient_in_path)]
ReportByFile = Annotated[Report, Depends(report_by_file)]
IllustratingCase = Annotated[Illustrating, Depends(illustrating)]
ReportWaitingCase = Annotated[ReportWaiting, Depends(report_waiting)]
