"""Changes become events, in order, under ids that stay the same."""

from datetime import timedelta

import boto3
import pytest
from botocore.stub import ANY, Stubber

from tests.fakes import START, FakeEventBus
from triagelens.adapters.eventbridge import EventBridgeBus
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.messages import Event
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.reports import Audience, FormerReport, Report, ReportKind, ReportStatus, failure
from triagelens.services.ports import MOST_EVENTS
from triagelens.services.publishing import ImageChange, Publishing, ReportChange, image_event, report_event

SECRET = "grandmother-at-the-lake.jpg"


def record(status: ImageStatus, version: int, image_id: str = "image") -> ImageRecord:
    return ImageRecord(
        image_id=image_id,
        owner="owner",
        specialty="skin",
        status=status,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1, original_filename=SECRET),
        upload_expires_at=START + timedelta(minutes=10),
        created_at=START,
        updated_at=START,
        correlation_id="correlation",
        version=version,
    )


def change(
    before: ImageStatus | None, after: ImageStatus, position: int = 1, image_id: str = "image"
) -> ImageChange:
    earlier = record(before, position, image_id) if before else None
    return ImageChange(str(position), earlier, record(after, position + 1, image_id))


AWAITING, ACCEPTED, REJECTED = ImageStatus.AWAITING_UPLOAD, ImageStatus.ACCEPTED, ImageStatus.REJECTED


def test_a_change_of_status_is_an_event_with_the_uploads_correlation_id() -> None:
    event = image_event(change(AWAITING, ACCEPTED))
    assert event is not None
    assert (event.type, event.event_id, event.correlation_id) == ("image.accepted", "image:2", "correlation")


@pytest.mark.parametrize("before", [None, ACCEPTED])
def test_a_new_record_or_an_unchanged_status_is_no_event(before: ImageStatus | None) -> None:
    assert image_event(change(before, ACCEPTED)) is None


def test_an_event_names_no_file_and_gives_the_reasons() -> None:
    after = record(REJECTED, 2).model_copy(
        update={
            "quality": QualityReport(verdict="rejected", reasons=(Reason(code="blurred", message=SECRET),)),
            "failure": Failure(code="none", message=SECRET, retryable=False),
        }
    )
    event = image_event(ImageChange("1", record(AWAITING, 1), after))
    assert event is not None
    assert SECRET not in event.model_dump_json()
    assert event.detail["reasons"] == ["blurred"]


def test_an_analysed_image_tells_whether_its_finding_may_stand() -> None:
    judgement = Judgement(decision=ModelDecision.ABSTAIN, reasons=(DecisionReason.OUT_OF_DISTRIBUTION,))
    told = []
    for given in (judgement, None):
        finding = Prediction.ranked(
            {"nv": 0.9, "mel": 0.1},
            specialty="skin",
            model=ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64),
            demonstration=False,
            intended_use="tests",
            judgement=given,
        )
        before = record(ImageStatus.ACCEPTED, 2)
        after = record(ImageStatus.ANALYZED, 3).model_copy(update={"prediction": finding})
        event = image_event(ImageChange("1", before, after))
        assert event is not None
        told.append((event.detail["decision"], event.detail["decision_reasons"]))
    assert told == [("abstain", ["out_of_distribution"]), (None, [])]


def test_all_changes_are_published_in_their_order() -> None:
    bus = FakeEventBus()
    changes = [change(AWAITING, ACCEPTED, position, f"image{position}") for position in range(25)]
    assert Publishing(bus).publish(changes) is None
    assert [event.event_id for event in bus.published] == [f"image{n}:{n + 1}" for n in range(25)]


def test_a_refused_event_is_where_the_stream_goes_on() -> None:
    bus = FakeEventBus(refuses={"image12:13"})
    changes = [change(AWAITING, ACCEPTED, position, f"image{position}") for position in range(25)]
    assert Publishing(bus).publish(changes) == "12"
    assert "image20:21" not in {event.event_id for event in bus.published}
    bus.refuses.clear()
    assert Publishing(bus).publish(changes[12:]) is None
    assert {event.event_id for event in bus.published} == {f"image{n}:{n + 1}" for n in range(25)}


def events(number: int) -> list[Event]:
    return [
        Event(event_id=f"e{n}", type="image.accepted", time=START, correlation_id="c", detail={})
        for n in range(number)
    ]


def test_the_bus_tells_which_events_it_refused() -> None:
    client = boto3.client(
        "events", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    answer = {
        "FailedEntryCount": 1,
        "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}],
    }
    with Stubber(client) as stub:
        stub.add_response("put_events", answer, {"Entries": ANY})
        assert EventBridgeBus(client, "bus").publish(events(2)) == ["e1"]


def test_more_events_than_the_bus_takes_at_once_are_a_mistake() -> None:
    client = boto3.client(
        "events", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with pytest.raises(ValueError, match="10 events"):
        EventBridgeBus(client, "bus").publish(events(MOST_EVENTS + 1))


def report(status: ReportStatus, version: int) -> Report:
    return Report(
        report_id="report",
        kind=ReportKind.CASE,
        audience=Audience.PATIENT,
        case_id="case",
        requested_by="doctor",
        status=status,
        failure=failure("processing_error", SECRET, retryable=True)
        if status is ReportStatus.FAILED
        else None,
        created_at=START,
        completed_at=None if status is ReportStatus.QUEUED else START + timedelta(seconds=9),
        correlation_id="correlation",
        version=version,
    )


def test_a_report_is_told_when_it_is_asked_for_and_when_it_ends() -> None:
    queued, ready, failed = (report(status, n) for n, status in enumerate(ReportStatus, start=1))
    asked = report_event(ReportChange("1", None, queued))
    ended = report_event(ReportChange("2", queued, ready))
    given_up = report_event(ReportChange("3", queued, failed))
    assert asked is not None
    assert ended is not None
    assert given_up is not None
    assert [event.type for event in (asked, ended, given_up)] == [
        "report.requested",
        "report.ready",
        "report.failed",
    ]
    assert (asked.time, ended.time) == (START, START + timedelta(seconds=9))
    assert (ended.event_id, ended.detail["audience"]) == ("report:2", "patient")
    assert given_up.detail["failure"] == "processing_error"
    assert SECRET not in given_up.model_dump_json()
    assert report_event(ReportChange("4", ready, ready)) is None


def test_nobody_is_told_of_a_report_that_a_former_system_made() -> None:
    former = FormerReport(system="braintumor", reference="R1", key="k", sha256="a" * 64, size_bytes=1)
    taken = report(ReportStatus.READY, 1).model_copy(update={"former": former})
    assert report_event(ReportChange("1", None, taken)) is None
