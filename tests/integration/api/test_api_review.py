"""The review queue through the API's door: what waits, in which order, and what takes a case out."""

from datetime import UTC, datetime
from typing import Any

import pytest

import publish_events.handler
import rank_cases.handler
from tests.cloud import PUBLISHED, REGION, FakeContext, failed_ids, sqs_event
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change, image
from tests.integration.api.test_api_panels import label
from tests.integration.api.test_api_way_of_an_image import accept, casework
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.review import DynamoReview
from triagelens.domain.images import ImageStatus
from triagelens.domain.panels import Panel
from triagelens.domain.people import Role
from triagelens.domain.prediction import FeatureGrid, LabelActivation, ModelIdentity, Prediction
from triagelens.domain.review import review_item

Person = dict[str, str]
NOW = datetime.now(UTC)
MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)


def analyse(image_id: str, normal: float, evidence: float | None = None) -> Prediction:
    """Does what the pipeline would do; `evidence` is for `normal`, what is left of 1 for `cataract`."""
    grid = None
    if evidence is not None:
        packed = {"normal": evidence, "cataract": 1 - evidence}
        entries = tuple(LabelActivation.pack(name, [value]) for name, value in packed.items())
        grid = FeatureGrid(rows=1, columns=1, activations=entries)
    accept(image_id)
    prediction = Prediction.ranked(
        {"normal": normal, "cataract": 1 - normal},
        specialty="eye",
        model=MODEL,
        demonstration=True,
        intended_use="test",
        features=grid,
    )
    record = casework().image(image_id)
    casework().add_result(record.move(ImageStatus.ANALYZED, NOW, prediction=prediction))
    return prediction


def rank(api: Api, times: int = 1) -> None:
    """Takes all news to where the queue is kept, so many times."""
    publish_events.handler.handler(api.cloud.stream_event(), FakeContext())
    messages = api.cloud.waiting(PUBLISHED)
    assert messages
    for _ in range(times):
        answer: Any = rank_cases.handler.handler(sqs_event(*messages), FakeContext())
        assert failed_ids(answer) == []


def of_margin(api: Api, person: Person, *margins: float, **more: Any) -> str:
    """A case of images of these margins."""
    images = [image(api, person) for _ in margins]
    for image_id, margin in zip(images, margins, strict=True):
        analyse(image_id, (1 + margin) / 2)
    return str(case(api, person, *images, **more)["case_id"])


def queue(api: Api, person: Person, **query: Any) -> list[str]:
    answer = api.client.get("/v1/review-queue", params={"specialty": "eye", **query}, headers=person)
    assert answer.status_code == 200, answer.text
    return [entry["case_id"] for entry in answer.json()["items"]]


@pytest.fixture
def doctor(api: Api) -> Person:
    return api.sign_up("doctor", Role.DOCTOR)


def test_the_least_certain_cases_come_first_and_leave_with_their_label(api: Api, doctor: Person) -> None:
    sure, middling, unsure = (of_margin(api, doctor, *margins) for margins in ((0.9,), (0.5,), (0.8, 0.1)))
    case(api, doctor)  # nobody has analysed its image
    rank(api, times=2)
    for strategy in ("margin", "entropy", "least_confidence"):
        assert queue(api, doctor, strategy=strategy) == [unsure, middling, sure]
    query = {"specialty": "eye", "top_k": 1}
    told = api.client.get("/v1/review-queue", params=query, headers=doctor).json()
    assert (told["selection_method"], told["strategy"]) == ("minimum_margin_case_sampling", "margin")
    [first] = told["items"]
    assert (first["score"], first["margin"]) == (pytest.approx(0.1), pytest.approx(0.1))
    assert label(api, doctor, unsure, "normal").status_code == 200
    assert queue(api, doctor) == [middling, sure]
    rank(api)  # old news of a labelled case bring it back no more
    assert queue(api, doctor) == [middling, sure]
    assert change(api, doctor, f"{middling}/reject", {"reason": "Blurred."}, 1).status_code == 200
    assert queue(api, doctor) == [sure]
    rank(api)
    assert queue(api, doctor) == [sure]


def test_pages_go_on_where_the_last_one_ended(api: Api, doctor: Person) -> None:
    ids = [of_margin(api, doctor, margin) for margin in (0.1, 0.2, 0.2, 0.3, 0.4)]
    rank(api)
    for strategy in ("margin", "entropy", "least_confidence"):
        found: list[str] = []
        cursor = None
        while True:
            query = {"specialty": "eye", "top_k": 2, "strategy": strategy, "cursor": cursor}
            page = api.client.get(
                "/v1/review-queue",
                params={name: value for name, value in query.items() if value is not None},
                headers=doctor,
            ).json()
            found += [entry["case_id"] for entry in page["items"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert sorted(found) == sorted(ids)
        assert (found[0], found[-1]) == (ids[0], ids[-1])
    refused = api.client.get("/v1/review-queue", params={"specialty": "eye", "cursor": "x"}, headers=doctor)
    assert refused.status_code == 400


def test_a_case_of_several_readers_waits_for_those_who_have_not_read_it(api: Api, doctor: Person) -> None:
    anna, bert = api.sign_up("anna", Role.DOCTOR), api.sign_up("bert", Role.DOCTOR)
    shared, own = of_margin(api, doctor, 0.1, readers_wanted=2), of_margin(api, doctor, 0.5)
    rank(api)
    label(api, anna, shared, "normal")
    assert queue(api, anna) == [own]
    assert queue(api, anna, top_k=1) == [own]
    assert queue(api, bert) == [shared, own]
    label(api, bert, shared, "normal")
    assert queue(api, bert) == queue(api, doctor) == [own]


def test_an_image_analysed_or_put_in_later_moves_its_case(api: Api, doctor: Person) -> None:
    waiting, sure = image(api, doctor), image(api, doctor)
    analyse(sure, 0.95)
    case_id = str(case(api, doctor, sure, waiting)["case_id"])
    other = of_margin(api, doctor, 0.5)
    rank(api)
    assert queue(api, doctor) == [other, case_id]
    analyse(waiting, 0.55)
    rank(api)
    assert queue(api, doctor) == [case_id, other]
    assert change(api, doctor, case_id, {"image_ids": [sure]}, 1).status_code == 200
    rank(api)
    assert queue(api, doctor) == [other, case_id]


def test_a_diverse_batch_takes_of_the_uncertain_what_lies_apart(api: Api, doctor: Person) -> None:
    ids = []
    for margin, evidence in ((0.01, 1.0), (0.02, 0.98), (0.03, 0.97), (0.04, 0.0)):
        photo = image(api, doctor)
        analyse(photo, (1 + margin) / 2, evidence)
        ids.append(str(case(api, doctor, photo)["case_id"]))
    rank(api)
    assert queue(api, doctor, top_k=2) == ids[:2]
    assert queue(api, doctor, top_k=2, strategy="diverse") == [ids[0], ids[3]]


def test_a_label_given_while_a_case_is_placed_takes_it_out_all_the_same(api: Api, doctor: Person) -> None:
    case_id = of_margin(api, doctor, 0.1)
    review = DynamoReview("casework", REGION)
    stored = DynamoCases("casework", REGION).case(case_id)
    unread = DynamoPanels("casework", REGION).panel(stored)
    item = review_item(stored, unread, review.findings(stored.image_ids))
    assert item is not None
    label(api, doctor, case_id, "normal")
    assert not review.place(stored, unread, item)
    assert queue(api, doctor) == []
    assert not review.place(stored, Panel(case_id=case_id, specialty="eye"), item)


def test_only_readers_may_ask_and_only_for_what_there_is(api: Api, doctor: Person) -> None:
    for role in (Role.GP, Role.RESEARCHER, Role.PATIENT):
        person = api.sign_up(f"a-{role}", role)
        assert (
            api.client.get("/v1/review-queue", params={"specialty": "eye"}, headers=person).status_code == 403
        )
    for wrong in ({"specialty": "feet"}, {"top_k": 0}, {"top_k": 51}, {"strategy": "x"}, {"specialty": ""}):
        answer = api.client.get("/v1/review-queue", params={"specialty": "eye", **wrong}, headers=doctor)
        assert answer.status_code == 422
