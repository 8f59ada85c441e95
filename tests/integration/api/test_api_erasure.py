"""A patient is erased through the API's door, and is found nowhere afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import check_quality.handler
import check_quality.wiring
import count_records.handler
import count_records.settings
import run_inference.handler
import run_inference.wiring
from tests.cloud import FakeContext
from tests.integration.api.conftest import Api
from tests.integration.api.erasure_world import (
    MARK,
    World,
    erase,
    inference,
    marks,
    planted,
    quality,
    with_exif,
    work_off,
)
from tests.integration.api.test_api_patients import patient
from tests.integration.erasing import begin_anew, everything, items_of, logged, work
from triagelens.domain.errors import ErasedError
from triagelens.domain.ids import new_id
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.people import Role
from triagelens.domain.prediction import Prediction


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    begin_anew()
    count_records.settings.settings.cache_clear()
    count_records.handler.counting.cache_clear()
    count_records.handler.dead_letters.cache_clear()
    yield planted(api)
    begin_anew()


def test_a_planted_mark_is_found_nowhere_afterwards(world: World) -> None:
    api = world.api
    assert marks(world) > 25
    before = everything(api.cloud, api.pool_id)
    with logged() as logs:
        receipt = erase(world)
        assert (receipt["status"], receipt["images"], receipt["done_at"]) == ("running", 0, None)
        work_off(world, receipt["erasure_id"])
        count_records.handler.handler(api.cloud.stream_event(), FakeContext())
    assert marks(world) == 0
    assert MARK not in logs.getvalue()
    assert "PatientErased" not in before
    swept = api.client.get(f"/v1/erasures/{receipt['erasure_id']}", headers=world.doctor).json()
    assert (swept["status"], swept["images"], swept["cases"]) == ("swept", 4, 2)
    assert (swept["snapshots"], swept["models"]) == (["ab" * 16], ["skin/1.4.0"])
    assert (swept["account_removed"], swept["kept_cases"]) == (True, [])
    stays = everything(api.cloud, api.pool_id)
    for gone in world.images:
        assert f"/{gone}/" not in stays  # no file of it, not even a marker


def test_who_was_erased_is_counted_no_more(world: World) -> None:
    api = world.api
    admin = api.sign_up("root", Role.ADMIN)
    asked = api.client.post(f"/v1/patients/{world.patient_id}/reports", headers=world.gp)
    assert asked.status_code == 202, asked.text

    def counted() -> tuple[int, dict[str, int]]:
        count_records.handler.handler(api.cloud.stream_event(), FakeContext())
        told = api.client.get("/v1/stats", headers=admin).json()
        assert sum(day["patients"] for day in told["days"]) == told["patients"]
        return told["patients"], told["reports"]

    assert counted() == (2, {"queued": 1})
    work_off(world, erase(world)["erasure_id"])
    assert counted() == (1, {})


def test_nothing_of_anybody_else_goes(world: World) -> None:
    api = world.api
    paths = [f"patients/{world.other}", f"images/{world.other_image}", f"cases/{world.other_case}"]
    before = [api.client.get(f"/v1/{path}", headers=world.gp).json() for path in paths]
    objects = [text for text in everything(api.cloud).split("\n") if world.other_image in text]
    work_off(world, erase(world)["erasure_id"])
    assert [api.client.get(f"/v1/{path}", headers=world.gp).json() for path in paths] == before
    assert [t for t in everything(api.cloud).split("\n") if world.other_image in t] or not objects
    assert api.client.get(f"/v1/images/{world.other_image}/content", headers=world.gp).status_code == 200


def test_from_the_answer_on_nobody_finds_the_patient(world: World) -> None:
    api, address = world.api, f"/v1/patients/{world.patient_id}"
    receipt = erase(world)
    for person in (world.gp, world.doctor, world.me):
        for path in ("", "/images", "/cases"):
            assert api.client.get(address + path, headers=person).status_code == 404
    attached = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": 9}
    new = {**attached, "patient_id": world.patient_id}
    assert api.client.post("/v1/images", json=new, headers=world.gp).status_code == 404
    listed = api.client.get("/v1/patients", headers=world.doctor).json()["items"]
    assert [entry["patient_id"] for entry in listed] == [world.other]
    assert erase(world) == receipt  # the same one, and the message once more
    assert len(api.cloud.waiting("erasure")) == 2
    again = patient(api, world.gp, number=f"N-{MARK}")
    assert again["patient_id"] != world.patient_id


def test_after_it_things_look_as_if_they_had_never_been(world: World) -> None:
    api = world.api
    work_off(world, erase(world)["erasure_id"])
    missing = new_id()
    for kind, gone in (("images", world.images[0]), ("cases", world.cases[0])):
        answers = [api.client.get(f"/v1/{kind}/{which}", headers=world.doctor) for which in (gone, missing)]
        told = [{**a.json(), "correlation_id": ""} for a in answers]
        assert (answers[0].status_code, told[0]) == (404, told[1])
    comment = {"json": {"text": "Hello"}, "headers": world.doctor}
    assert api.client.post(f"/v1/cases/{world.cases[0]}/comments", **comment).status_code == 404
    assert api.client.get("/v1/me", headers=world.me).status_code in (401, 403)
    listed = api.client.get("/v1/cases", headers=world.doctor).json()["items"]
    assert [entry["case_id"] for entry in listed] == [world.other_case]


def test_who_may_not_erase_is_told_nothing(world: World) -> None:
    api = world.api
    for person in (world.gp, world.me):
        for patient_id in (world.patient_id, new_id()):
            answer = api.client.delete(f"/v1/patients/{patient_id}", headers=person)
            assert answer.status_code == 403
        assert api.client.get("/v1/erasures", headers=person).status_code == 403
    for nothing in (new_id(), "nonsense"):
        assert api.client.delete(f"/v1/patients/{nothing}", headers=world.doctor).status_code == 404
        assert api.client.get(f"/v1/erasures/{nothing}", headers=world.doctor).status_code == 404
    assert api.client.get(f"/v1/patients/{world.patient_id}", headers=world.gp).status_code == 200
    assert api.client.get("/v1/erasures?cursor=x", headers=world.doctor).status_code == 400


def test_receipts_are_listed_newest_first_and_hold_no_name(world: World) -> None:
    api, first = world.api, erase(world)["erasure_id"]
    second = api.client.delete(f"/v1/patients/{world.other}", headers=world.doctor).json()["erasure_id"]
    page = api.client.get("/v1/erasures?limit=1", headers=world.doctor).json()
    assert [entry["erasure_id"] for entry in page["items"]] == [second]
    rest = api.client.get(f"/v1/erasures?limit=1&cursor={page['cursor']}", headers=world.doctor).json()
    assert ([entry["erasure_id"] for entry in rest["items"]], rest["cursor"]) == ([first], None)
    work(*api.cloud.waiting("erasure"))
    assert MARK not in str(items_of(api.cloud, "audit"))


def test_messages_under_way_bring_nothing_back(world: World) -> None:
    erasure_id = erase(world)["erasure_id"]
    assert work(*world.api.cloud.waiting("erasure")) == []
    world.api.cloud.upload(f"uploads/{world.images[3]}", with_exif())  # a form that was still good
    assert (quality(world.on_its_way), inference(world.request)) == ([], [])
    assert world.api.cloud.waiting("inference") == []
    assert work({"erasure_id": erasure_id, "sweep": True}) == []
    assert marks(world) == 0


def test_a_check_in_the_middle_of_its_work_brings_nothing_back(world: World) -> None:
    """The patient is erased between what it reads and what it writes."""
    check = check_quality.wiring.quality_check()

    def assess(*given: Any) -> Any:
        work_off(world, erase(world)["erasure_id"])
        return check.assess(*given)

    version = world.on_its_way["Records"][0]["s3"]["object"]["versionId"]
    with pytest.raises(ErasedError):
        replace(check, assess=assess).check(world.images[2], version)
    assert marks(world) == 0
    assert f"/{world.images[2]}/" not in everything(world.api.cloud)


def test_an_inference_in_the_middle_of_its_work_brings_nothing_back(world: World) -> None:
    infer = run_inference.wiring.inference()

    def predict(working_image: bytes, specialty: str, image_id: str) -> Prediction:
        work_off(world, erase(world)["erasure_id"])
        return infer.predict(working_image, specialty, image_id)

    with pytest.raises(ErasedError):
        replace(infer, predict=predict).run(InferenceRequest.model_validate_json(world.request))
    assert marks(world) == 0
    items = [item for item in items_of(world.api.cloud, "casework") if world.images[3] in item["pk"]["S"]]
    assert [item["kind"]["S"] for item in items if item["pk"]["S"].startswith("IMG#")] == ["erased"]
