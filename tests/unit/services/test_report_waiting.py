"""Waiting for a report."""

import pytest

from tests.fake_reports import FakeReports
from tests.fakes import START, FakeStopwatch, FakeWaitingRoom
from triagelens.domain.abstention import Judgement, ModelDecision
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.reports import Audience, Report, ReportKind, ReportStatus, failure, findings_of
from triagelens.services.report_waiting import ReportWaiting

MODEL = ModelIdentity(name="m", version="1", sha256="a" * 64, manifest_sha256="b" * 64)


@pytest.fixture
def records() -> FakeReports:
    return FakeReports()


@pytest.fixture
def report(records: FakeReports) -> Report:
    return records.add_report(
        Report(
            report_id=new_id(),
            kind=ReportKind.PATIENT,
            audience=Audience.PATIENT,
            patient_id=new_id(),
            requested_by="gp",
            created_at=START,
            correlation_id="request",
        )
    )


def test_a_report_comes_as_soon_as_it_is_made(records: FakeReports, report: Report) -> None:
    stopwatch, room = FakeStopwatch(), FakeWaitingRoom()

    def make() -> None:
        if len(stopwatch.pauses) == 3:
            records.make(report.report_id, b"%PDF", lambda: START)

    stopwatch.on_pause = make
    waited = ReportWaiting(records, room, stopwatch).until_done(report, 20)
    assert (waited.status, len(stopwatch.pauses)) == (ReportStatus.READY, 3)
    assert room.taken == set()
    assert ReportWaiting(records, room, stopwatch).until_done(waited, 20) == waited
    assert len(stopwatch.pauses) == 3


def test_a_report_that_failed_is_not_waited_for(records: FakeReports, report: Report) -> None:
    stopwatch = FakeStopwatch()
    cause = failure("processing_error", "The report could not be made.", retryable=True)
    ended = records.replace_report(report.failed(cause, START))
    waited = ReportWaiting(records, FakeWaitingRoom(), stopwatch).until_done(ended, 20)
    assert (waited.status, stopwatch.pauses) == (ReportStatus.FAILED, [])


def test_the_wait_ends_and_its_place_is_free_again(records: FakeReports, report: Report) -> None:
    stopwatch, room = FakeStopwatch(), FakeWaitingRoom()
    assert ReportWaiting(records, room, stopwatch).until_done(report, 5) == report
    assert sum(stopwatch.pauses) == pytest.approx(5)
    assert room.taken == set()


def test_where_too_many_wait_the_answer_comes_at_once(records: FakeReports, report: Report) -> None:
    stopwatch = FakeStopwatch()
    assert ReportWaiting(records, FakeWaitingRoom(places=0), stopwatch).until_done(report, 5) == report
    assert stopwatch.pauses == []


def test_findings_are_counted_by_first_label_and_where_the_model_has_one() -> None:
    accept, abstain = ModelDecision.ACCEPT, ModelDecision.ABSTAIN
    images = [
        image("brain", "glioma", accept),
        image("brain", "glioma", ModelDecision.UNCERTAIN),
        image("brain", "no_tumour", accept),
        image("brain", "pituitary", abstain),
        image("skin", "mel", None),
    ]
    unread = images[0].model_copy(update={"prediction": None})
    counted = {"brain": {"glioma": 2, "no_tumour": 1}, "skin": {"mel": 1}}
    assert findings_of([*images, unread]) == counted
    assert findings_of([]) == {}


def image(specialty: str, label: str, decision: ModelDecision | None) -> ImageRecord:
    prediction = Prediction.ranked(
        {label: 0.9, "other": 0.1},
        specialty=specialty,
        model=MODEL,
        demonstration=True,
        intended_use="tests",
        judgement=None if decision is None else Judgement(decision=decision),
    )
    return ImageRecord(
        image_id=new_id(),
        owner="ada",
        specialty=specialty,
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=START,
        updated_at=START,
        correlation_id="request",
        prediction=prediction,
    )
