"""A patient's photo becomes a case, clinicians work on it, and the patient sees the outcome."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.stack import Listener, Person, Stack, until
from triagelens_client import ConflictError, ForbiddenError, NotFoundError, OutdatedError

AT_ONCE = 8


@pytest.fixture(scope="module")
def doctor(strict: Stack) -> Person:
    return strict.grant(strict.person("doctor"), "doctor")


@pytest.fixture(scope="module")
def patient(strict: Stack) -> Person:
    return strict.person("patient")


def test_a_case_goes_its_way_with_the_rights_that_the_api_has(
    strict: Stack, doctor: Person, patient: Person
) -> None:
    bus = Listener(strict)
    image = patient.client.upload_and_wait(sharp(7), "skin")
    assert image.prediction is not None
    assert (image.prediction.decision, image.prediction.is_accepted) == ("abstain", False)
    assert "out_of_distribution" in image.prediction.reasons
    cases = doctor.client.cases
    spare = cases.take_number()
    cases.release_number(spare)
    case = cases.create("skin", [image.image_id], notes="Grows.")
    assert case.number == spare
    with pytest.raises(ConflictError):
        cases.create("skin", [image.image_id])
    opened = until(
        lambda: found if (found := cases.get(case.case_id)).status == "uncertain" else None,
        "the platform opens the case, since no model knows such a photo",
    )
    assert opened.decision is not None
    assert (opened.decision.by, image.image_id in str(opened.decision.reason)) == ("system", True)
    doubted = cases.uncertain(opened, "The border is not clear.")
    with pytest.raises(OutdatedError):
        cases.reject(opened, "Too late.")
    said = cases.comment(case.case_id, "Compare with last year.")
    cases.edit_comment(case.case_id, said.comment_id, "Compare with 2024.")
    cases.label(case.case_id, "nv")
    cases.confirm(doubted, "Melanocytic naevus")
    actions = [change.action for change in cases.history(case.case_id)]
    assert actions == [
        "case.confirm",
        "label.set",
        "comment.edit",
        "comment.add",
        "case.uncertain",
        "case.uncertain",
        "case.create",
    ]
    assert [entry.case_id for entry in cases.all(status="confirmed")][:1] == [case.case_id]
    bus.heard_of(case.case_id, {"case.created", "case.uncertain", "case.confirmed"})


def test_the_patient_sees_the_outcome_and_nothing_else(doctor: Person, patient: Person) -> None:
    [listed] = patient.client.cases.all()
    shown = patient.client.cases.get(listed.case_id)
    assert (shown.final_diagnosis, shown.notes) == ("Melanocytic naevus", None)
    assert shown.images[0].prediction is not None
    with pytest.raises(ForbiddenError):
        list(patient.client.cases.comments(shown.case_id))
    other = doctor.client.create_image(sharp(8), "skin")
    theirs = doctor.client.cases.create("skin", [other.image_id])
    with pytest.raises(NotFoundError):
        patient.client.cases.get(theirs.case_id)


def test_many_at_once_get_no_case_number_twice(doctor: Person) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        numbers = list(pool.map(lambda _: doctor.client.cases.take_number(), range(5 * AT_ONCE)))
    assert len(set(numbers)) == len(numbers)
