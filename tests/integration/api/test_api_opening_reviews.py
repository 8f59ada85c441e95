"""A case of which a model is not sure is uncertain by itself, whatever comes first and however often."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

import publish_events.handler
import rank_cases.handler
from tests.cloud import PUBLISHED, FakeContext, failed_ids, sqs_event
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change, image
from tests.integration.api.test_api_way_of_an_image import accept, casework
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.images import ImageStatus
from triagelens.domain.people import Role
from triagelens.domain.prediction import ModelIdentity, Prediction

Person = dict[str, str]
NOW = datetime.now(UTC)
MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
UNSURE = Judgement(decision=ModelDecision.UNCERTAIN, reasons=(DecisionReason.SEVERAL_LABELS,))
SILENT = Judgement(decision=ModelDecision.ABSTAIN, reasons=(DecisionReason.OUT_OF_DISTRIBUTION,))
SURE = Judgement(decision=ModelDecision.ACCEPT, reasons=(DecisionReason.OOD_NOT_ASSESSED,))


def analyse(image_id: str, judgement: Judgement | None) -> None:
    accept(image_id)
    prediction = Prediction.ranked(
        {"normal": 0.8, "cataract": 0.2},
        specialty="eye",
        model=MODEL,
        demonstration=True,
        intended_use="test",
        judgement=judgement,
    )
    record = casework().image(image_id)
    casework().add_result(record.move(ImageStatus.ANALYZED, NOW, prediction=prediction))


def news(api: Api) -> list[str]:
    """Everything that has happened so far, as messages for `rank_cases`."""
    publish_events.handler.handler(api.cloud.stream_event(), FakeContext())
    messages = api.cloud.waiting(PUBLISHED)
    assert messages
    return messages


def hear(messages: list[str]) -> None:
    answer: Any = rank_cases.handler.handler(sqs_event(*messages), FakeContext())
    assert failed_ids(answer) == []


def shown(api: Api, person: Person, case_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.client.get(f"/v1/cases/{case_id}", headers=person).json()
    return answer


def changes(api: Api, person: Person, case_id: str) -> list[tuple[str, str]]:
    history = api.client.get(f"/v1/cases/{case_id}/history", headers=person).json()["items"]
    return [(entry["action"], entry["by"]) for entry in history]


@pytest.fixture
def doctor(api: Api) -> Person:
    return api.sign_up("doctor", Role.DOCTOR)


def assert_opened(api: Api, doctor: Person, case_id: str, image_id: str, judgement: Judgement) -> None:
    found = shown(api, doctor, case_id)
    assert (found["status"], found["version"]) == ("uncertain", 2)
    finding = api.client.get(f"/v1/images/{image_id}", headers=doctor).json()["prediction"]
    assert (finding["decision"], finding["reasons"]) == (judgement.decision, list(judgement.reasons))
    assert (finding["prediction_set"], finding["out_of_distribution"]) == (None, None)
    said = f"Image {image_id}: {judgement.decision} ({judgement.reasons[0]})."
    assert (found["decision"]["by"], found["decision"]["reason"]) == ("system", said)
    [opened, _] = changes(api, doctor, case_id)
    assert opened == ("case.uncertain", "system")
    listed = api.client.get("/v1/cases", params={"status": "uncertain"}, headers=doctor).json()["items"]
    assert [entry["case_id"] for entry in listed] == [case_id]
    waiting = api.client.get("/v1/review-queue", params={"specialty": "eye"}, headers=doctor).json()["items"]
    assert [entry["case_id"] for entry in waiting] == [case_id]


@pytest.mark.parametrize("judgement", [UNSURE, SILENT])
@pytest.mark.parametrize("first", ["image", "case"])
def test_an_answer_that_cannot_stand_opens_the_case_whichever_was_there_first(
    api: Api, doctor: Person, first: str, judgement: Judgement
) -> None:
    photo = image(api, doctor)
    if first == "image":
        analyse(photo, judgement)
        hear(news(api))  # it belongs to no case yet
        case_id = case(api, doctor, photo)["case_id"]
    else:
        case_id = case(api, doctor, photo)["case_id"]
        hear(news(api))
        assert shown(api, doctor, case_id)["status"] == "open"
        analyse(photo, judgement)
    hear(news(api))
    assert_opened(api, doctor, case_id, photo, judgement)


def test_news_that_come_often_and_in_any_order_open_a_case_once(api: Api, doctor: Person) -> None:
    photo = image(api, doctor)
    case_id = case(api, doctor, photo)["case_id"]
    analyse(photo, SILENT)
    chance = random.Random(20_261_124)
    messages = news(api)
    for _ in range(5):
        hear(chance.sample(messages, len(messages)))
    messages = news(api)  # with that of the opening itself
    hear(chance.sample(messages, len(messages)))
    assert_opened(api, doctor, case_id, photo, SILENT)


@pytest.mark.parametrize("judgement", [SURE, None])
def test_an_accepted_answer_and_one_older_than_decisions_open_nothing(
    api: Api, doctor: Person, judgement: Judgement | None
) -> None:
    photo = image(api, doctor)
    case_id = case(api, doctor, photo)["case_id"]
    analyse(photo, judgement)
    hear(news(api))
    assert (shown(api, doctor, case_id)["status"], shown(api, doctor, case_id)["version"]) == ("open", 1)


@pytest.mark.parametrize(("move", "status"), [("confirm", "confirmed"), ("reject", "rejected")])
def test_a_case_that_a_person_decided_is_never_touched(
    api: Api, doctor: Person, move: str, status: str
) -> None:
    photo = image(api, doctor)
    case_id = case(api, doctor, photo)["case_id"]
    before = news(api)
    said = {"reason": "Seen.", **({"final_diagnosis": "Normal"} if move == "confirm" else {})}
    assert change(api, doctor, f"{case_id}/{move}", said, 1).status_code == 200
    analyse(photo, SILENT)
    for messages in (before, news(api), news(api)):
        hear(messages)
    found = shown(api, doctor, case_id)
    assert (found["status"], found["version"]) == (status, 2)
    assert "system" not in [by for _, by in changes(api, doctor, case_id)]


def test_a_person_who_doubts_keeps_their_word_and_may_put_it_in_the_platforms_place(
    api: Api, doctor: Person
) -> None:
    me = api.client.get("/v1/me", headers=doctor).json()["id"]
    own, theirs = image(api, doctor), image(api, doctor)
    doubted = case(api, doctor, own)["case_id"]
    assert change(api, doctor, f"{doubted}/uncertain", {"reason": "Reflections."}, 1).status_code == 200
    opened = case(api, doctor, theirs)["case_id"]
    for photo in (own, theirs):
        analyse(photo, SILENT)
    hear(news(api))
    assert shown(api, doctor, doubted)["decision"]["by"] == me
    assert shown(api, doctor, opened)["decision"]["by"] == "system"
    taken = change(api, doctor, f"{opened}/uncertain", {"reason": "I am not sure, either."}, 2)
    assert (taken.status_code, taken.json()["status"]) == (200, "uncertain")
    assert taken.json()["decision"]["by"] == me
    assert change(api, doctor, f"{opened}/uncertain", {"reason": "Again."}, 3).status_code == 409
    hear(news(api))
    assert shown(api, doctor, opened)["version"] == 3


def test_an_image_that_is_put_into_a_case_later_opens_it(api: Api, doctor: Person) -> None:
    usual, strange = image(api, doctor), image(api, doctor)
    analyse(usual, SURE)
    analyse(strange, UNSURE)
    case_id = case(api, doctor, usual)["case_id"]
    hear(news(api))
    assert shown(api, doctor, case_id)["status"] == "open"
    assert change(api, doctor, case_id, {"image_ids": [usual, strange]}, 1).status_code == 200
    hear(news(api))
    assert shown(api, doctor, case_id)["status"] == "uncertain"


def test_who_changes_an_opened_case_reads_it_first(api: Api, doctor: Person) -> None:
    photo = image(api, doctor)
    case_id = case(api, doctor, photo)["case_id"]
    analyse(photo, SILENT)
    hear(news(api))
    said = {"final_diagnosis": "Normal"}
    assert change(api, doctor, f"{case_id}/confirm", said, 1).status_code == 412
    assert change(api, doctor, f"{case_id}/confirm", said, 2).status_code == 200
