"""Making reports: killed anywhere, told twice, overtaken by an erasure, without evidence, too often."""

import json
from datetime import timedelta
from typing import Literal

import pytest
from botocore.exceptions import ClientError

import mark_dead_letters.handler
import mark_dead_letters.settings
import render_report.settings
import render_report.wiring
from tests.cloud import REGION, Cloud, FakeContext
from tests.fakes import START
from tests.integration.api.reporting import (
    FakeExplainer,
    files,
    finding,
    made,
    request_of,
    requested,
    stored_image,
    text_of,
)
from tests.killing import KilledError, watched
from triagelens.adapters.dynamodb.case_items import case_item, case_pk
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import image_pk
from triagelens.adapters.dynamodb.patients import DynamoPatients, patient_pk
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.adapters.dynamodb.tombstones import bury
from triagelens.adapters.dynamodb.traces import DynamoTraces
from triagelens.documents.report import typeset
from triagelens.domain.abstention import ModelDecision
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageStatus
from triagelens.domain.patients import Patient, PatientDetails
from triagelens.domain.report_document import ReportDocument
from triagelens.domain.reports import Audience, Report, ReportKind, ReportStatus
from triagelens.domain.review import opened_for_review


@pytest.fixture
def explainer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> FakeExplainer:
    made = FakeExplainer(cloud)
    monkeypatch.setattr(render_report.wiring, "LambdaExplainer", lambda *_: made)
    for cache in (
        render_report.settings.settings,
        render_report.wiring.making,
        render_report.wiring.giving_up,
        mark_dead_letters.settings.settings,
        mark_dead_letters.handler.giving_up_reports,
    ):
        cache.cache_clear()
    return made


def records() -> DynamoReports:
    return DynamoReports("casework", REGION)


def patient() -> Patient:
    return DynamoPatients("casework", REGION).add_patient(
        Patient(
            patient_id=new_id(),
            number=new_id()[-8:],
            owner="gp",
            details=PatientDetails(name="Jane"),
            created_at=START,
            updated_at=START,
            updated_by="gp",
            correlation_id="request",
        )
    )


def case(cloud: Cloud, patient_id: str | None = None) -> Case:
    made = Case(
        case_id=new_id(),
        number=10_000,
        specialty="skin",
        status=CaseStatus.OPEN,
        owner="gp",
        image_ids=(stored_image(cloud, "gp").image_id,),
        patient_id=patient_id,
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )
    case_item(made).save()
    return made


def decide(of: Case, diagnosis: str) -> None:
    stored = DynamoCases("casework", REGION).case(of.case_id)
    case_item(stored.model_copy(update={"final_diagnosis": diagnosis})).save()


def asked(of: Case | Patient, patient_id: str | None = None) -> Report:
    is_case = isinstance(of, Case)
    return records().add_report(
        Report(
            report_id=new_id(),
            kind=ReportKind.CASE if is_case else ReportKind.PATIENT,
            audience=Audience.CLINIC,
            case_id=of.case_id if isinstance(of, Case) else None,
            patient_id=patient_id if isinstance(of, Case) else of.patient_id,
            requested_by="gp",
            created_at=START,
            correlation_id="request",
        )
    )


def read(report: Report) -> Report:
    return records().report(report.report_id)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", [0, 1, 2])
def test_killed_at_any_write_it_ends_the_same(
    cloud: Cloud, explainer: FakeExplainer, write: int, moment: Literal["before", "after"]
) -> None:
    report, other = asked(case(cloud)), asked(case(cloud))
    with watched() as writes:
        made(other.report_id)
    assert writes.made == ["PutObject", "PutObject", "TransactWriteItems"]  # overlay, file, record
    with pytest.raises(KilledError), watched(write, moment):
        made(report.report_id)
    assert made(report.report_id) == []
    done = read(report)
    assert done.status is ReportStatus.READY
    assert done.edition is not None
    assert done.edition.number == 1
    assert done.edition.key in files(cloud)
    before = read(report)
    assert made(report.report_id) == []
    assert read(report) == before, "told again, nothing happens"
    kinds = [told["detail-type"] for told in requested(cloud) if report.report_id in str(told)]
    assert kinds == ["report.requested", "report.ready"]


def test_a_reports_record_counts_the_findings_that_the_file_shows(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    jane, unsure = patient(), finding()
    sure = unsure.model_copy(update={"decision": ModelDecision.ACCEPT})
    for said in (sure, sure, unsure):
        stored_image(cloud, "gp", patient_id=jane.patient_id, prediction=said)
    stored_image(cloud, "gp", ImageStatus.REJECTED, patient_id=jane.patient_id)
    report = asked(jane)
    assert made(report.report_id) == []
    edition = read(report).edition
    assert edition is not None
    assert (edition.images, edition.findings) == (3, {"skin": {"mel": 2}})


@pytest.mark.parametrize("who", ["case", "patient", "image"])
def test_what_was_erased_gets_no_report(cloud: Cloud, explainer: FakeExplainer, who: str) -> None:
    jane = patient()
    of = case(cloud, jane.patient_id)
    report = asked(of, jane.patient_id)
    key = {
        "case": case_pk(of.case_id),
        "patient": patient_pk(jane.patient_id),
        "image": image_pk(of.image_ids[0]),
    }[who]
    bury(key, "erasure", START)
    assert made(report.report_id) == [], "it is not worth another try"
    assert read(report).status is ReportStatus.QUEUED
    assert files(cloud) == {}
    if who != "image":
        with pytest.raises(NotFoundError):
            asked(of, jane.patient_id)


@pytest.mark.parametrize("who", ["case", "patient", "image"])
def test_an_erasure_that_comes_in_between_wins(
    cloud: Cloud, explainer: FakeExplainer, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    jane = patient()
    of = case(cloud, jane.patient_id)
    report = asked(of, jane.patient_id)
    keys = {
        "case": case_pk(of.case_id),
        "patient": patient_pk(jane.patient_id),
        "image": image_pk(of.image_ids[0]),
    }

    def erased_meanwhile(document: ReportDocument) -> tuple[bytes, int]:
        bury(keys[who], "erasure", START)
        return typeset(document)

    monkeypatch.setattr(render_report.wiring, "typeset", erased_meanwhile)
    assert made(report.report_id) == []
    assert read(report).edition is None
    assert all(key.startswith(f"reports/{of.case_id}/") for key in files(cloud)), "where the sweep finds it"


def test_a_case_that_names_another_patient_by_now_gets_no_report_of_the_former_one(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    jane, joan = patient(), patient()
    report = asked(case(cloud, joan.patient_id), jane.patient_id)
    assert made(report.report_id) == []
    failed = read(report)
    assert failed.failure is not None
    assert (failed.status, failed.failure.code) == (ReportStatus.FAILED, "patient_changed")
    assert made(report.report_id) == []
    assert read(report) == failed


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConflictError("The model is no longer here."), "The model is no longer here."),
        (UnavailableError("later", retry_after_s=1), "could not be drawn in time"),
    ],
)
def test_a_finding_without_evidence_shows_the_image_and_says_so(
    cloud: Cloud, explainer: FakeExplainer, error: ConflictError | UnavailableError, said: str
) -> None:
    of = case(cloud)
    explainer.wrong[of.image_ids[0]] = error
    made(asked(of).report_id)
    [pdf] = files(cloud).values()
    assert said in text_of(pdf)
    del explainer.wrong[of.image_ids[0]]
    later = asked(of)
    made(later.report_id)
    edition = read(later).edition
    assert edition is not None
    assert edition.number == 2, "a later report shows it"


def test_a_picture_without_evidence_and_a_doubt_of_the_platform_are_called_what_they_are(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    of = case(cloud)
    explainer.central_share = None
    of = DynamoCases("casework", REGION).case(of.case_id)
    doubted = opened_for_review(of, [(of.image_ids[0], finding())], START, "request")
    assert doubted is not None
    case_item(doubted).save()
    made(asked(of).report_id)
    text = text_of(next(iter(files(cloud).values())))
    assert "By Grad-CAM, nothing in it speaks for Melanoma." in text
    assert "yellow" not in text
    assert "Opened for review" in text
    assert "Decided" not in text


def test_a_report_that_fails_each_time_is_told_so_and_a_redrive_makes_it(
    cloud: Cloud, explainer: FakeExplainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(case(cloud))
    monkeypatch.setenv("CLINIC_LOGO", "branding/logo.png")
    render_report.settings.settings.cache_clear()
    assert made(report.report_id) == ["m0"], "a logo that nobody has put there"
    assert read(report).status is ReportStatus.QUEUED
    assert made(report.report_id, receive_count=5) == ["m0"]
    failed = read(report)
    assert failed.failure is not None
    assert (failed.status, failed.failure.retryable) == (ReportStatus.FAILED, True)
    monkeypatch.delenv("CLINIC_LOGO")
    render_report.settings.settings.cache_clear()
    render_report.wiring.making.cache_clear()
    assert made(report.report_id) == []
    assert read(report).status is ReportStatus.READY


def test_a_report_whose_function_was_killed_each_time_is_told_so(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    report, done = asked(case(cloud)), asked(case(cloud))
    made(done.report_id)
    for report_id in (report.report_id, done.report_id, new_id()):
        cloud.sqs.send_message(
            QueueUrl=cloud.queue_urls["dead-reports"], MessageBody=json.dumps(request_of(report_id))
        )
    cloud.sqs.send_message(QueueUrl=cloud.queue_urls["dead-reports"], MessageBody='{"detail": {}}')
    mark_dead_letters.handler.handler({}, FakeContext())
    assert read(report).status is ReportStatus.FAILED
    assert read(done).status is ReportStatus.READY


def test_of_two_at_once_the_later_number_shows_the_later_state(
    cloud: Cloud, explainer: FakeExplainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = case(cloud)
    first, second = asked(of), asked(of)
    overtaken = iter([True])

    def slowly(document: ReportDocument) -> tuple[bytes, int]:
        if next(overtaken, False):
            decide(of, "mel")
            assert made(second.report_id) == []
            decide(of, "nv")
        return typeset(document)

    monkeypatch.setattr(render_report.wiring, "typeset", slowly)
    assert made(first.report_id) == []
    later, earlier = (read(report).edition for report in (first, second))
    assert later is not None
    assert earlier is not None
    assert (later.number, earlier.number) == (2, 1)
    assert later.made_at > earlier.made_at
    kept = files(cloud)
    for edition, diagnosis in ((earlier, "Melanoma"), (later, "Melanocytic naevus")):
        text = text_of(kept[edition.key])
        assert f"version {edition.number}" in text
        assert f"Final diagnosis {diagnosis}" in text
        assert f"{edition.made_at:%Y-%m-%d %H:%M} UTC" in text


def test_a_state_that_a_newer_edition_has_left_behind_is_not_given_out_as_the_same(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    of = case(cloud)
    old = asked(of)
    made(old.report_id)
    slow, quick = asked(of), asked(of)

    def decided(image_id: str) -> None:
        explainer.meanwhile = None
        decide(of, "mel")
        assert made(quick.report_id) == []

    explainer.meanwhile = decided
    assert made(slow.report_id) == []
    numbers = [edition.number for report in (old, quick, slow) if (edition := read(report).edition)]
    assert numbers == [1, 2, 2]


def test_a_report_takes_its_time_for_evidence_and_no_more(
    cloud: Cloud, explainer: FakeExplainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIDENCE_WITHIN_S", str(timedelta(microseconds=1).total_seconds()))
    made(asked(case(cloud)).report_id)
    assert explainer.asked == []
    assert "could not be drawn in time" in text_of(next(iter(files(cloud).values())))


def test_a_working_image_that_is_gone_is_told(cloud: Cloud, explainer: FakeExplainer) -> None:
    of = case(cloud)
    explainer.wrong[of.image_ids[0]] = ConflictError("No.")
    for entry in cloud.s3.list_objects_v2(Bucket="images", Prefix="working/")["Contents"]:
        cloud.s3.delete_object(Bucket="images", Key=entry["Key"])
    with pytest.raises(ClientError):
        cloud.s3.get_object(Bucket="images", Key="working/")
    report = asked(of)
    made(report.report_id)
    assert read(report).status is ReportStatus.READY
    assert "The image itself is gone." in text_of(next(iter(files(cloud).values())))


def test_what_was_gathered_before_an_erasure_takes_no_number_after_it(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    of = case(cloud)
    made(asked(of).report_id)
    explainer.wrong[of.image_ids[0]] = ConflictError("Another picture, another edition.")
    slow = asked(of)

    def erased(image_id: str) -> None:
        explainer.meanwhile = None
        DynamoTraces("casework", REGION).erase_editions(of.case_id)

    explainer.meanwhile = erased
    assert made(slow.report_id) == []
    assert [edition.number for edition in records().latest_editions(slow)] == [1]


def test_a_file_that_an_erasure_took_from_a_case_that_stays_is_not_given_out_again(
    cloud: Cloud, explainer: FakeExplainer
) -> None:
    of = case(cloud)
    first = asked(of)
    made(first.report_id)
    DynamoTraces("casework", REGION).erase_editions(of.case_id)
    for key in files(cloud):
        cloud.s3.delete_object(Bucket="documents", Key=key)
    assert records().latest_editions(first) == []
    second = asked(of)
    made(second.report_id)
    edition = read(second).edition
    assert edition is not None
    cloud.s3.head_object(Bucket="documents", Key=edition.key)
