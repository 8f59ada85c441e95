"""From sign-up to a finding, through the API's door."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cloud import REGION
from tests.integration.api.conftest import Api
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.domain.ids import new_id
from triagelens.domain.images import Failure, ImageStatus, WorkingImage
from triagelens.domain.people import Role
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport

PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
NOW = datetime.now(UTC)


def created(api: Api, person: dict[str, str], **more: Any) -> dict[str, Any]:
    answer = api.client.post("/v1/images", json={**PHOTO, **more}, headers=person)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def casework() -> DynamoCasework:
    return DynamoCasework("casework", REGION, "ephemeral")


def accept(image_id: str) -> None:
    """Does what check_quality would do."""
    record = casework().image(image_id)
    working = WorkingImage(key=f"working/{image_id}/t.jpg", width=10, height=10)
    report = QualityReport(verdict="accepted", focus_score=312.5)
    casework().replace_image(
        record.move(ImageStatus.ACCEPTED, NOW, working_image=working, object_version="v1", quality=report)
    )


def analyse(image_id: str) -> None:
    """Does what run_inference would do."""
    identity = ModelIdentity(name="phantom-eye", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
    prediction = Prediction.ranked(
        {"normal": 0.2, "cataract": 0.8},
        specialty="eye",
        model=identity,
        demonstration=True,
        intended_use="demonstration only",
    )
    record = casework().image(image_id)
    casework().add_result(record.move(ImageStatus.ANALYZED, NOW, prediction=prediction))


def fail(image_id: str) -> None:
    failure = Failure(code="processing_error", message="It broke.", retryable=True)
    casework().replace_image(casework().image(image_id).move(ImageStatus.FAILED, NOW, failure=failure))


def test_a_person_signs_up_announces_a_photo_and_reads_the_finding(api: Api) -> None:
    ada = api.sign_up("ada")
    assert api.client.get("/v1/me", headers=ada).json()["role"] == "patient"
    begun = created(api, ada)
    assert begun["status"] == "awaiting_upload"
    assert begun["upload"]["fields"]["key"] == f"uploads/{begun['image_id']}"
    address = f"/v1/images/{begun['image_id']}"
    accept(begun["image_id"])
    analyse(begun["image_id"])
    answer = api.client.get(address, headers={**ada, "Prefer": "wait=20"})
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    found = answer.json()
    assert (found["status"], found["prediction"]["top_label"]) == ("analyzed", "cataract")
    assert found["prediction"]["demonstration"] is True
    assert found["quality"]["focus_score"] == 312.5


def test_a_photo_is_described_in_full_and_comes_back_so(api: Api) -> None:
    ada = api.sign_up("ada")
    about = {
        "purpose": "training",
        "original_filename": "left eye.jpg",
        "captured_at": "2026-11-20T08:00:00Z",
        "device": {"platform": "android", "version": "15", "model": "X"},
        "on_device_prediction": {
            "label": "normal",
            "probability": 0.81,
            "class_index": 0,
            "raw_output": 0.19,
            "inference_time_s": 0.2,
            "model": "app 3",
        },
        "sha256": "ab" * 32,
    }
    image_id = created(api, ada, **about)["image_id"]
    found = api.client.get(f"/v1/images/{image_id}", headers=ada).json()
    assert found["device"] == about["device"]
    assert found["original_filename"] == "left eye.jpg"
    assert found["on_device_prediction"] == about["on_device_prediction"]
    assert found["purpose"] == "training"


def test_waiting_for_an_image_that_does_not_come_ends_with_202(api: Api) -> None:
    ada = api.sign_up("ada")
    address = f"/v1/images/{created(api, ada)['image_id']}"
    answer = api.client.get(address, headers={**ada, "Prefer": "wait=0"})
    assert answer.status_code == 202
    assert int(answer.headers["Retry-After"]) >= 1
    assert api.client.get(address, headers=ada).status_code == 200


def test_a_real_wait_takes_a_place_and_gives_it_back(api: Api) -> None:
    ada = api.sign_up("ada")
    address = f"/v1/images/{created(api, ada)['image_id']}"
    answer = api.client.get(address, headers={**ada, "Prefer": "respond-async, wait=1"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=1"
    places = api.cloud.dynamodb.scan(TableName="ephemeral")["Items"]
    assert [item for item in places if item["pk"]["S"].startswith("WAIT#")] == []


def test_the_same_key_gives_the_same_image_and_another_request_is_refused(api: Api) -> None:
    ada = api.sign_up("ada")
    keyed = {**ada, "Idempotency-Key": "k-1"}
    first = api.client.post("/v1/images", json=PHOTO, headers=keyed)
    second = api.client.post("/v1/images", json=PHOTO, headers=keyed)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["image_id"] == second.json()["image_id"]
    assert second.json()["upload"]["fields"]["key"] == first.json()["upload"]["fields"]["key"]
    other = api.client.post("/v1/images", json={**PHOTO, "size_bytes": 2001}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    accept(first.json()["image_id"])
    late = api.client.post("/v1/images", json=PHOTO, headers=keyed)
    assert (late.status_code, late.json()["status"], late.json()["upload"]) == (200, "accepted", None)
    eve = {**api.sign_up("eve"), "Idempotency-Key": "k-1"}
    assert api.client.post("/v1/images", json=PHOTO, headers=eve).status_code == 201


def test_a_stranger_gets_the_answer_of_an_unknown_image_on_every_route(api: Api) -> None:
    image_id = created(api, api.sign_up("ada"))["image_id"]
    eve = api.sign_up("eve")
    for suffix in ("", "/content"):
        answers = []
        for name in (image_id, new_id(), "nonsense"):
            answer = api.client.get(f"/v1/images/{name}{suffix}", headers=eve)
            body = answer.json()
            body.pop("correlation_id")
            answers.append((answer.status_code, body))
        assert answers[0][0] == 404
        assert answers[0] == answers[1] == answers[2]


def test_a_doctor_reads_every_image_and_lists_only_their_own(api: Api) -> None:
    image_id = created(api, api.sign_up("ada"))["image_id"]
    doctor = api.sign_up("doc", Role.DOCTOR)
    assert api.client.get(f"/v1/images/{image_id}", headers=doctor).status_code == 200
    assert api.client.get("/v1/images", headers=doctor).json() == {"items": [], "cursor": None}


def test_images_are_listed_newest_first_and_cursors_lead_to_the_end(api: Api) -> None:
    ada = api.sign_up("ada")
    made = [created(api, ada)["image_id"] for _ in range(5)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = api.client.get("/v1/images", params=query, headers=ada).json()
        found += [item["image_id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == sorted(made, reverse=True)
    bad = api.client.get("/v1/images", params={"cursor": "not one of ours"}, headers=ada)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_request")


def test_the_working_image_is_fetched_by_a_link_once_it_exists(api: Api) -> None:
    ada = api.sign_up("ada")
    image_id = created(api, ada)["image_id"]
    address = f"/v1/images/{image_id}/content"
    assert api.client.get(address, headers=ada).status_code == 409
    accept(image_id)
    body = api.client.get(address, headers=ada).json()
    assert f"working/{image_id}/t.jpg" in body["url"]
    assert "X-Amz-Expires=300" in body["url"]
    expires = datetime.fromisoformat(body["expires_at"])
    assert timedelta(minutes=4) < expires - datetime.now(UTC) <= timedelta(minutes=5)


def test_an_admin_takes_a_failed_image_up_again_and_others_may_not(api: Api) -> None:
    ada, root = api.sign_up("ada"), api.sign_up("root", Role.ADMIN)
    image_id = created(api, ada)["image_id"]
    accept(image_id)
    fail(image_id)
    address = f"/v1/images/{image_id}/retry"
    assert api.client.post(address, headers=ada).status_code == 403
    denied = api.audited()[-1]
    assert (denied["outcome"], denied["action"]) == ("denied", "POST /v1/images/{image_id}/retry")
    answer = api.client.post(address, headers=root)
    assert (answer.status_code, answer.json()["status"], answer.json()["attempt"]) == (202, "accepted", 1)
    assert api.client.post(address, headers=root).status_code == 202
    assert len(api.cloud.waiting("inference")) == 2
    analyse(image_id)
    assert api.client.post(address, headers=root).status_code == 409


def test_a_photo_larger_than_allowed_is_refused(api: Api) -> None:
    ada = api.sign_up("ada")
    answer = api.client.post("/v1/images", json={**PHOTO, "size_bytes": 52_428_801}, headers=ada)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_the_form_carries_the_declared_type_and_checksum(api: Api) -> None:
    fields = created(api, api.sign_up("ada"), sha256="00" * 32)["upload"]["fields"]
    assert fields["Content-Type"] == "image/jpeg"
    assert fields["x-amz-checksum-sha256"] == "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_the_stored_record_names_the_request_it_came_with(api: Api) -> None:
    ada = api.sign_up("ada")
    answer = api.client.post(
        "/v1/images", json=PHOTO, headers={**ada, "X-Correlation-Id": "clinic-7.request_1"}
    )
    assert answer.headers["X-Correlation-Id"] == "clinic-7.request_1"
    assert casework().image(answer.json()["image_id"]).correlation_id == "clinic-7.request_1"
