"""Reports as they are asked for and looked at. They are made by `services.report_making`."""

from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.cases import Case
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.patients import Patient
from triagelens.domain.people import Person
from triagelens.domain.reports import Audience, Report, ReportKind, ReportStatus, file_name
from triagelens.services.case_ports import CaseRecords
from triagelens.services.images import URL_LIFETIME, SignedUrl
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Clock, Page
from triagelens.services.report_ports import ReportFiles, ReportRecords

# What was not made by then is not counted on any more, and of so many requests it is among the newest.
MADE_WITHIN = timedelta(hours=1)
NEWEST = 20


@dataclass(frozen=True)
class Reports:
    """Reports of cases and patients, for those who may see both the case and the patient in them."""

    records: ReportRecords
    cases: CaseRecords
    patients: PatientRecords
    files: ReportFiles
    clock: Clock
    correlation_id: str

    def of_case(self, worker: Person, case: Case, audience: Audience) -> Report:
        """Asks for a report of a case that `worker` may see.

        It shows the patient's details if `worker` may see the patient.

        Raises:
            NotFoundError: the case or the patient has just been erased.
        """
        shown = self._patient(case.patient_id)
        patient_id = shown.patient_id if shown is not None and shown.is_visible_to(worker) else None
        return self._ask(worker, ReportKind.CASE, audience, case.case_id, patient_id)

    def of_patient(self, worker: Person, patient: Patient, audience: Audience) -> Report:
        """Asks for a report of a patient whom `worker` works on.

        Raises:
            NotFoundError: the patient has just been erased.
        """
        return self._ask(worker, ReportKind.PATIENT, audience, None, patient.patient_id)

    def under_way(self, worker: Person, patient: Patient, audience: Audience) -> Report | None:
        """The newest of `worker`'s own reports of the patient that is still to be made, if any."""
        since = self.clock() - MADE_WITHIN
        asked = self.records.of_patient(patient.patient_id, NEWEST, None).items
        wanted = (ReportKind.PATIENT, audience, worker.sub, ReportStatus.QUEUED)
        for report in asked:
            found = (report.kind, report.audience, report.requested_by, report.status)
            if found == wanted and report.created_at >= since:
                return report
        return None

    def visible_to(self, person: Person, report_id: str) -> Report:
        """The report, if `person` may see it.

        Raises:
            NotFoundError: in the same words whether there is none or it is not theirs to see.
        """
        missing = NotFoundError("There is no such report.")
        if not is_id(report_id):
            raise missing
        try:
            report = self.records.report(report_id)
        except NotFoundError:
            raise missing from None
        if not self._is_visible(report, person):
            raise missing
        return report

    def of_case_page(self, person: Person, case: Case, limit: int, cursor: str | None) -> Page[Report]:
        """Reports of a case that `person` may see, newest first; those for others are left out."""
        return self._visible(person, self.records.of_case(case.case_id, limit, cursor))

    def of_patient_page(
        self, person: Person, patient: Patient, limit: int, cursor: str | None
    ) -> Page[Report]:
        """Reports that show the patient's details, newest first; those for others are left out."""
        return self._visible(person, self.records.of_patient(patient.patient_id, limit, cursor))

    def page(self, person: Person, limit: int, cursor: str | None) -> Page[Report]:
        """What the person asked for; of a patient, the reports about them. Newest first."""
        if person.patient_id is not None:
            page = self.records.of_patient(person.patient_id, limit, cursor)
        else:
            page = self.records.requested_by(person.sub, limit, cursor)
        return self._visible(person, page)

    def download(self, report: Report) -> SignedUrl | None:
        """Where the file can be fetched for a while; None as long as there is none."""
        if report.file is None:
            return None
        url = self.files.url(report.file.key, file_name(report), URL_LIFETIME)
        return SignedUrl(url, URL_LIFETIME)

    def _ask(
        self,
        worker: Person,
        kind: ReportKind,
        audience: Audience,
        case_id: str | None,
        patient_id: str | None,
    ) -> Report:
        report = Report(
            report_id=new_id(),
            kind=kind,
            audience=audience,
            case_id=case_id,
            patient_id=patient_id,
            requested_by=worker.sub,
            created_at=self.clock(),
            correlation_id=self.correlation_id,
        )
        return self.records.add_report(report)

    def _visible(self, person: Person, page: Page[Report]) -> Page[Report]:
        return Page([report for report in page.items if self._is_visible(report, person)], page.cursor)

    def _is_visible(self, report: Report, person: Person) -> bool:
        """Whether the person is among those it is for, and may see the case and the patient in it.

        So a report made before a case got another patient is seen by neither of the two.
        """
        if not report.may_be_for(person):
            return False
        if report.case_id is not None:
            case = self._case(report.case_id)
            if case is None or not case.is_visible_to(person):
                return False
        if report.patient_id is None:
            return True
        patient = self._patient(report.patient_id)
        return patient is not None and patient.is_visible_to(person)

    def _case(self, case_id: str) -> Case | None:
        try:
            return self.cases.case(case_id)
        except NotFoundError:
            return None

    def _patient(self, patient_id: str | None) -> Patient | None:
        if patient_id is None:
            return None
        try:
            return self.patients.patient(patient_id)
        except NotFoundError:
            return None
