"""A former system's report: first a form, then the file, then the record, and one of each."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fake_reports import FakeReportFiles, FakeReports
from tests.fakes import START, FakeClock
from triagelens.domain.errors import InvalidRequestError, NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.patients import Patient, PatientDetails
from triagelens.domain.people import Person, Role
from triagelens.domain.reports import Audience, FormerKnownError, Report, ReportStatus, file_name
from triagelens.services.former_reports import FormerFile, FormerReports, NotPdfError

PDF = b"%PDF-1.4 of the former system"
ADMIN = Person(sub="sub-root", username="root", role=Role.ADMIN, created_at=START)
LIFETIME = timedelta(minutes=10)


class Desk:
    def __init__(self) -> None:
        self.records, self.files = FakeReports(), FakeReportFiles()
        self.former = FormerReports(self.records, self.files, FakeClock(), LIFETIME, "request")
        self.patient = a_patient()

    def take(self, patient: Patient | None = None, **changes: Any) -> Any:
        return self.former.take_over(ADMIN, patient or self.patient, declared(**changes))

    def send(self, form: Any, data: bytes = PDF) -> None:
        self.files.objects[form.fields["key"]] = data

    def taken(self, patient: Patient | None = None, **changes: Any) -> Report:
        form = self.take(patient, **changes).form
        if form is not None:
            self.send(form)
        report: Report = self.take(patient, **changes).report
        return report


def a_patient() -> Patient:
    return Patient(
        patient_id=new_id(),
        number="P-1",
        owner="gp",
        details=PatientDetails(name="Zoë"),
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )


def declared(data: bytes = PDF, **changes: Any) -> FormerFile:
    known: dict[str, Any] = {
        "system": "braintumor",
        "reference": "R1",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "audience": Audience.PATIENT,
        "made_at": START - timedelta(days=400),
        "counts": {"scan_count": 7},
    }
    return FormerFile(**{**known, **changes})


def test_there_is_no_record_before_there_is_a_file() -> None:
    desk = Desk()
    asked = desk.take()
    assert (asked.report, asked.form_ends_at) == (None, START + LIFETIME)
    digest = hashlib.sha256(PDF).hexdigest()
    key = f"reports/{desk.patient.patient_id}/{digest}.pdf"
    assert asked.form.fields == {"key": key, "size": str(len(PDF)), "sha256": digest}
    assert desk.records.records == {}
    desk.send(asked.form)
    first, again = desk.take(), desk.take()
    assert (first.made, again.made) == (True, False)
    assert first.report == again.report
    assert len(desk.records.records) == 1


def test_a_former_report_is_ready_as_old_as_it_was_and_no_edition() -> None:
    desk = Desk()
    report = desk.taken()
    assert (report.status, report.audience, report.edition) == (ReportStatus.READY, Audience.PATIENT, None)
    assert (report.created_at, report.completed_at) == (START - timedelta(days=400), START)
    assert report.former is not None
    assert (report.former.system, report.former.reference, report.former.counts) == (
        "braintumor",
        "R1",
        {"scan_count": 7},
    )
    assert report.file is report.former
    assert desk.records.latest_editions(report) == []
    assert file_name(report) == f"report-{desk.patient.patient_id[-8:]}-former-{report.report_id[-8:]}.pdf"


def test_lists_have_former_reports_by_their_own_age() -> None:
    desk = Desk()
    days = [30, 900, 2]
    made = {day: desk.taken(reference=str(day), made_at=START - timedelta(days=day)) for day in days}
    listed = desk.records.of_patient(desk.patient.patient_id, 10, None).items
    assert [report.report_id for report in listed] == [made[day].report_id for day in sorted(days)]


def test_when_it_was_made_may_be_unknown() -> None:
    assert Desk().taken(made_at=None).created_at == START


def test_another_reference_file_or_patient_is_another_report() -> None:
    desk = Desk()
    other = b"%PDF-1.4 another"
    desk.taken(), desk.taken(reference="R2"), desk.taken(patient=a_patient())
    asked = declared(other)
    desk.send(desk.former.take_over(ADMIN, desk.patient, asked).form, other)
    assert desk.former.take_over(ADMIN, desk.patient, asked).made
    assert len(desk.records.records) == 4


def test_the_same_file_is_one_report_whatever_else_is_said_of_it() -> None:
    desk = Desk()
    report = desk.taken()
    again = desk.take(made_at=None, counts={}, audience=Audience.CLINIC)
    assert (again.report, again.made) == (report, False)


def test_who_loses_a_race_is_given_the_report_of_who_won() -> None:
    desk = Desk()
    desk.send(desk.take().form)

    class Late(FakeReports):
        """Somebody else brings the report between the look and the write."""

        def add_former(self, report: Report) -> Report:
            if not self.records:
                super().add_former(report.model_copy(update={"report_id": new_id()}))
            return super().add_former(report)

    records = Late()
    taken = FormerReports(records, desk.files, FakeClock(), LIFETIME, "request").take_over(
        ADMIN, desk.patient, declared()
    )
    assert ([taken.report], taken.made) == (list(records.records.values()), False)


def test_what_is_erased_in_the_middle_of_it_is_not_there() -> None:
    desk = Desk()
    desk.send(desk.take().form)

    class Erased(FakeReports):
        def add_former(self, report: Report) -> Report:
            raise FormerKnownError("This report of the former system is there already.")

    former = FormerReports(Erased(), desk.files, FakeClock(), LIFETIME, "request")
    with pytest.raises(NotFoundError):
        former.take_over(ADMIN, desk.patient, declared())


@pytest.mark.parametrize("sent", [PDF[:-1], PDF + b"\n", PDF.replace(b"former", b"FORMER")])
def test_other_bytes_have_not_arrived(sent: bytes) -> None:
    desk = Desk()
    desk.send(desk.take().form, sent)
    asked = desk.take()
    assert (asked.report, asked.form is None) == (None, False)
    assert desk.records.records == {}


def test_what_is_no_pdf_becomes_no_report() -> None:
    desk, page = Desk(), b"<html>%PDF-</html>"
    asked = declared(page)
    desk.send(desk.former.take_over(ADMIN, desk.patient, asked).form, page)
    with pytest.raises(NotPdfError):
        desk.former.take_over(ADMIN, desk.patient, asked)
    assert desk.records.records == {}


@pytest.mark.parametrize("made_at", [START + timedelta(days=2), datetime.fromisoformat("1969-12-31T23:00Z")])
def test_no_report_is_made_in_the_future_or_before_its_time(made_at: datetime) -> None:
    with pytest.raises(InvalidRequestError):
        Desk().take(made_at=made_at)
