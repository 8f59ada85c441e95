"""An erasure that is killed, repeated, given up or undone by a restore comes to the same in the end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

import erase_patient.handler
import erase_patient.wiring
from infra.replay_erasures import replay
from tests.cloud import REGION, Cloud, FakeContext
from tests.integration.clinic import MARK, NOW, Clinic, report_of
from tests.integration.erasing import begin_anew, items_of, work
from tests.killing import WRITES, KilledError, watched
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.domain.cases import Comment
from triagelens.domain.erasures import Begun
from triagelens.domain.errors import ConflictError, ErasedError, NotFoundError
from triagelens.domain.ids import first_id_of, new_id
from triagelens.domain.people import Role
from triagelens.services.panel_ports import GoldCase

REMOVALS = WRITES | {"AdminDeleteUser", "BatchWriteItem", "DeleteItem", "DeleteObjects"}


@pytest.fixture
def clinic(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    pool = boto3.client("cognito-idp", region_name=REGION).create_user_pool(PoolName="people")
    monkeypatch.setenv("USER_POOL_ID", pool["UserPool"]["Id"])
    monkeypatch.setenv("USER_POOL_CLIENT_ID", "client")
    begin_anew()
    yield Clinic(cloud, pool["UserPool"]["Id"])
    begin_anew()


def test_an_erasure_killed_at_any_write_ends_the_same(clinic: Clinic) -> None:
    """Killed before each write, which is behind the one before it."""
    kill_at, killed = 0, True
    while killed:
        patient = clinic.patient()
        message = {"erasure_id": clinic.begin(patient)}
        try:
            with watched(kill_at, "before", REMOVALS):
                assert work(message) == []
            killed = False
        except KilledError:
            kill_at += 1
        assert work(message) == []
        receipt = clinic.receipt(message["erasure_id"])
        outcome = receipt.outcome
        assert outcome is not None
        assert (receipt.status, outcome.images, outcome.cases, outcome.account) == ("done", 2, 2, True)
        assert clinic.is_clean(), f"killed at write {kill_at}"
    assert kill_at > 12


def test_a_restore_is_followed_by_a_replay(clinic: Clinic) -> None:
    clinic.patient()
    erased, stays = clinic.patient(), clinic.patient()
    tables = {name: items_of(clinic.cloud, name) for name in ("casework", "users")}
    ids = [clinic.begin(erased)]
    assert work({"erasure_id": ids[0]}, {"erasure_id": ids[0], "sweep": True}) == []
    before = clinic.receipt(ids[0])
    for name, items in tables.items():  # as they were
        clinic.cloud.dynamodb.delete_table(TableName=name)
        clinic.cloud.make_table(name)
        for item in items:
            clinic.cloud.dynamodb.put_item(TableName=name, Item=item)
    assert clinic.patients.patient(erased.patient_id) == erased
    clinic.cloud.waiting("erasure")
    queue_url = clinic.cloud.queue_urls["erasure"]
    assert replay(clinic.cloud.dynamodb, clinic.cloud.sqs, "audit", queue_url) == 1
    assert work(*clinic.cloud.waiting("erasure")) == []
    with pytest.raises(ErasedError):
        clinic.patients.patient(erased.patient_id)
    traces = (erased.patient_id, str(erased.account and erased.account.sub))
    left = [
        item
        for name in tables
        for item in items_of(clinic.cloud, name)
        if any(trace in str(item) for trace in traces)
    ]
    assert [item["kind"]["S"] for item in left] == ["erased"]
    assert list(clinic.erasures.since(ids[0])) == [before]
    assert clinic.patients.patient(stays.patient_id) == stays
    assert len(clinic.patients.images_of(stays.patient_id, 10, None).items) == 1


def test_the_second_pass_comes_a_quarter_of_an_hour_after_the_first(clinic: Clinic) -> None:
    message = {"erasure_id": clinic.begin(clinic.patient())}
    sent: list[dict[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        client = erase_patient.wiring.erasing().queue._client  # type: ignore[attr-defined]  # of the adapter
        patch.setattr(client, "send_message", lambda **given: sent.append(given))
        assert work(message, {**message, "sweep": True}) == []
    assert [entry["DelaySeconds"] for entry in sent] == [900]
    assert '"sweep":true' in sent[0]["MessageBody"]
    assert clinic.receipt(message["erasure_id"]).status == "swept"


def test_what_comes_late_is_gone_after_the_second_pass(clinic: Clinic) -> None:
    patient = clinic.patient()
    message = {"erasure_id": clinic.begin(patient)}
    assert work(message) == []
    late = clinic.image(str(patient.account and patient.account.sub), None)
    assert not clinic.is_clean()
    assert work({**message, "sweep": True}) == []
    assert clinic.is_clean()
    with pytest.raises(ErasedError):
        clinic.casework.image(late.image_id)
    swept = clinic.receipt(message["erasure_id"]).swept
    assert swept is not None
    assert swept.images == 3


def test_whoever_writes_late_loses_against_the_tombstone(clinic: Clinic) -> None:
    patient = clinic.patient()
    [image] = clinic.patients.images_of(patient.patient_id, 10, None).items
    [case] = clinic.patients.cases_of(patient.patient_id, 10, None).items
    panel, erasure_id = clinic.panels.panel(case), clinic.begin(patient)
    assert work({"erasure_id": erasure_id}) == []
    entry = case.entry("case.amend", None)
    comment = Comment(comment_id=new_id(), case_id=case.case_id, author="doctor", text=MARK, created_at=NOW)
    gold = GoldCase(case.case_id, "eye", "normal", "admin", NOW)
    free = clinic.image("gp", None)
    elsewhere = clinic.case(free, None)
    moved = elsewhere.model_copy(update={"patient_id": patient.patient_id})
    taking = elsewhere.model_copy(update={"image_ids": (free.image_id, image.image_id)})
    writes: list[tuple[Any, tuple[Any, ...]]] = [
        (clinic.patients.replace_patient, (patient, patient)),
        (clinic.casework.replace_image, (image,)),
        (clinic.casework.add_image, (image.model_copy(update={"image_id": new_id(), "version": None}), None)),
        (clinic.cases.replace_case, (case, case, entry)),
        (clinic.cases.replace_case, (elsewhere, moved, entry)),
        (clinic.cases.replace_case, (elsewhere, taking, entry)),
        (clinic.cases.write_comment, (comment, entry)),
        (clinic.panels.write_panel, (panel, entry)),
        (clinic.panels.set_gold, (gold,)),
    ]
    before = items_of(clinic.cloud, "casework")
    for write, given in writes:
        with pytest.raises((ConflictError, NotFoundError)):
            write(*given)
        assert items_of(clinic.cloud, "casework") == before, write
    with pytest.raises((ConflictError, NotFoundError)):
        clinic.case(image, None)


def test_another_patients_case_stays_without_the_image_and_is_named(clinic: Clinic) -> None:
    patient, other = clinic.patient(), clinic.patient()
    mixed_up = clinic.image("gp", patient.patient_id)
    [theirs] = clinic.patients.images_of(other.patient_id, 10, None).items
    wrong = clinic.case(mixed_up, other.patient_id)
    report = report_of(wrong)
    clinic.cloud.s3.put_object(Bucket="documents", Key=f"reports/{wrong.case_id}/1.pdf", Body=b"%PDF")
    message = {"erasure_id": clinic.begin(patient)}
    assert work(message) == []
    outcome = clinic.receipt(message["erasure_id"]).outcome
    assert outcome is not None
    assert (outcome.images, outcome.cases, outcome.kept_cases) == (3, 2, (wrong.case_id,))
    assert outcome.reports == 1  # it may show the image
    with pytest.raises(NotFoundError):
        DynamoReports("casework", REGION).report(report.report_id)
    assert clinic.cloud.s3.list_object_versions(Bucket="documents").get("Versions", []) == []
    assert clinic.cases.case(wrong.case_id) == wrong
    assert clinic.casework.image(theirs.image_id) == theirs


def test_who_has_become_staff_keeps_account_and_work(clinic: Clinic) -> None:
    patient = clinic.patient(Role.GP)
    sub = str(patient.account and patient.account.sub)
    message = {"erasure_id": clinic.begin(patient)}
    assert work(message, {**message, "sweep": True}) == []
    person = DynamoPeople("users", REGION).person(sub)
    assert (person.role, person.patient_id) == (Role.GP, None)
    assert len(clinic.casework.images_of(sub, 10, None).items) == 1
    outcome = clinic.receipt(message["erasure_id"]).outcome
    assert outcome is not None
    assert (outcome.images, outcome.cases, outcome.account) == (1, 1, False)


def test_what_stands_still_is_sent_again_every_hour(clinic: Clinic) -> None:
    look = erase_patient.wiring.erasing().look
    first = clinic.begin(clinic.patient())
    assert look() == 0  # it has only begun
    old = NOW - timedelta(hours=2)
    stuck = Begun(
        erasure_id=first_id_of(old),
        patient_id=new_id(),
        requested_by="doctor",
        begun_at=old,
        correlation_id="request",
    )
    clinic.erasures.begin(stuck, clinic.patients.patient(clinic.patient().patient_id))
    erase_patient.handler.handler({"source": "aws.events"}, FakeContext())
    [sent] = clinic.cloud.waiting("erasure")
    assert stuck.erasure_id in sent
    assert first not in sent
    assert work(sent) == []


def test_a_message_about_no_erasure_is_given_back(clinic: Clinic) -> None:
    assert work({"erasure_id": new_id()}, "nonsense") == ["m0", "m1"]
    patient = clinic.patient()
    assert work({"erasure_id": new_id()}, receive_count=5) == ["m0"]
    assert clinic.patients.patient(patient.patient_id) == patient
