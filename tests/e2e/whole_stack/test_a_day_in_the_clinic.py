"""A day in the clinic: gp, doctor, patient and admin, and all that happens behind what they do.

The steps build upon each other, so they are one story in one test; what hangs on it comes after.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.mails import invitation, mail_to, mails
from tests.e2e.whole_stack.stack import PASSWORD, Person, Stack, until
from triagelens_client import (
    ApiError,
    Case,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    Triagelens,
)

NAME = "Zipporah Canarydottir"
PHONE = "+49 30 5550199"
NOTES = "Grows since Canary Wharf."
COMMENT = "Compare with the canary of last year."
DIAGNOSIS = "Melanocytic naevus"


@dataclass(frozen=True)
class Day:
    """What the day leaves behind."""

    gp: Person
    doctor: Person
    admin: Person
    patient: Triagelens
    patient_id: str
    patient_email: str
    image_id: str
    case: Case


def accept_invitation(stack: Stack, address: str) -> Triagelens:
    """Reads username and first password in the mail, and signs in with them."""
    username, first = invitation(stack, address)
    client = stack.client()
    with pytest.raises(ApiError):
        client.sign_in(username, first)  # without a password of one's own, it asks for one
    client.sign_in(username, first, new_password=PASSWORD)
    return client


@pytest.fixture(scope="module")
def day(strict: Stack) -> Day:
    """A gp's photo of a patient becomes a case; a doctor finds it in the queue and decides it."""
    gp = strict.grant(strict.person("gp"), "gp")
    doctor = strict.grant(strict.person("reader"), "doctor")
    admin = strict.grant(strict.person("office"), "admin")
    address = f"patient-of-{gp.email}"
    made = gp.client.patients.create(NAME, email=address, phone=PHONE, birth_date="1985-12-10", invite=True)
    patient = accept_invitation(strict, address)
    image = gp.client.upload_and_wait(sharp(71), "skin", patient_id=made.patient_id)
    case = gp.client.cases.create("skin", [image.image_id], patient_id=made.patient_id, notes=NOTES)
    mail_to(strict, doctor.email, "A case needs you")  # of what is decided already nobody is told
    until(
        lambda: [c for c in doctor.client.review.queue("skin", top_k=50).items if c.case_id == case.case_id],
        "the case waits in the review queue",
    )
    doctor.client.cases.label(case.case_id, "nv")
    doctor.client.cases.comment(case.case_id, COMMENT)
    decided = doctor.client.cases.confirm(doctor.client.cases.get(case.case_id), DIAGNOSIS)
    return Day(gp, doctor, admin, patient, made.patient_id, address, image.image_id, decided)


def test_a_labelled_case_leaves_the_review_queue(day: Day) -> None:
    waiting = day.doctor.client.review.queue("skin", top_k=50).items
    assert day.case.case_id not in [candidate.case_id for candidate in waiting]


def test_the_patient_sees_the_outcome_and_nothing_else(strict: Stack, day: Day) -> None:
    other = day.doctor.client.create_image(sharp(72), "skin")
    theirs = day.doctor.client.cases.create("skin", [other.image_id])
    me = day.patient
    assert [patient.patient_id for patient in me.patients.all()] == [day.patient_id]
    assert [case.case_id for case in me.patients.cases(day.patient_id)] == [day.case.case_id]
    shown = me.cases.get(day.case.case_id)
    assert (shown.status, shown.final_diagnosis, shown.notes) == ("confirmed", DIAGNOSIS, None)
    assert shown.images[0].prediction is not None
    assert me.image(day.image_id).prediction is not None
    for hidden in (
        lambda: list(me.cases.comments(day.case.case_id)),
        lambda: list(me.cases.history(day.case.case_id)),
        lambda: list(me.cases.labels(day.case.case_id)),
        lambda: me.review.queue("skin"),
        me.statistics,
        lambda: list(me.audit.entries()),
        lambda: list(me.users.all()),
    ):
        with pytest.raises(ForbiddenError):
            hidden()
    with pytest.raises(NotFoundError):
        me.cases.get(theirs.case_id)
    with pytest.raises(NotFoundError):
        me.image(other.image_id)


def test_an_admin_sees_what_was_counted_from_the_stream(day: Day) -> None:
    def look() -> bool:
        seen = day.admin.client.statistics()
        skin = seen.specialties.get("skin")
        counted = skin is not None and skin.cases.get("confirmed", 0) >= 1 and skin.images.get("analyzed", 0)
        return bool(counted) and seen.patients >= 1 and seen.received >= 1 and sum(seen.classes.values()) >= 1

    until(look, "the case is counted")
    with pytest.raises(ForbiddenError):
        day.gp.client.statistics()


def test_an_admin_sees_who_did_what_and_each_entry_is_in_the_chain(strict: Stack, day: Day) -> None:
    entries = list(day.admin.client.audit.entries(subject=day.case.case_id))
    doctor_id = day.doctor.ask("GET", "/v1/me").json()["id"]
    done = {entry.action for entry in entries if entry.actor == doctor_id}
    assert {"POST /v1/cases/{case_id}/confirm", "PUT /v1/cases/{case_id}/label"} <= done
    denied = {entry.action for entry in entries if entry.outcome == "denied"}
    assert "GET /v1/cases/{case_id}/comments" in denied
    wanted = {entry.entry_id for entry in entries if entry.outcome == "allowed"}

    def linked() -> bool:
        pages = (
            strict.aws("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=strict.outputs["AuditTable"],
                KeyConditionExpression="pk = :chain",
                ExpressionAttributeValues={":chain": {"S": f"CHAIN#{datetime.now(UTC).date()}"}},
            )
        )
        links = str([item for page in pages for item in page["Items"]])
        return all(entry_id in links for entry_id in wanted)

    until(linked, "every entry has a link in today's chain")


def test_the_mails_that_went_out_say_that_something_is_ready_and_nothing_else(
    strict: Stack, day: Day
) -> None:
    mail_to(strict, day.patient_email, "A result is ready")
    mail_to(strict, day.gp.email, "A result is ready")
    mail_to(strict, day.doctor.email, "A case needs you")
    said = str([m for m in mails(strict) if m["Subject"] != "Your account at Triagelens"])
    for told in (NAME, PHONE, NOTES, COMMENT, DIAGNOSIS):
        assert told not in said
    copies = [m for m in mails(strict) if m["To"] == [day.patient_email] and "result" in m["Subject"]]
    assert len(copies) == 1


def test_no_webhook_leads_into_the_clinics_own_network(day: Day) -> None:
    webhooks = day.admin.client.webhooks
    for address in ("https://127.0.0.1/", "https://10.0.0.8/hook", "https://[::1]/", "http://example.org/"):
        with pytest.raises(InvalidRequestError):
            webhooks.create(address, ["case.confirmed"])
    made = webhooks.create("https://receiver.invalid/hook", ["case.confirmed"])
    webhooks.delete(made.webhook_id)


def test_nothing_that_was_told_in_confidence_is_in_any_log(strict: Stack, day: Day) -> None:
    lines = strict.log_lines()
    assert any("answered" in line for _, line in lines)
    secrets = (NAME, PHONE, NOTES, COMMENT, DIAGNOSIS, PASSWORD, day.patient_email, day.gp.email)
    assert [(group, line) for group, line in lines if any(secret in line for secret in secrets)] == []
