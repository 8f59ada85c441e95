"""A photo goes in and a finding comes out, through the API, a presigned form and the bus."""

import io
import json
import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from PIL import Image

from tests.e2e.whole_stack.files import CAMERA, blurred, sharp, told_by_the_camera
from tests.e2e.whole_stack.stack import CODE, PASSWORD, Listener, Person, Stack, until
from triagelens.domain.messages import InferenceRequest

AT_ONCE = 8
SPECIALTIES = ("skin", "eye", "oral", "brain")


def test_a_person_signs_up_confirms_signs_in_and_is_known(plain: Stack) -> None:
    http = plain.http()
    account = {"username": "grace-of-the-first-test", "password": PASSWORD}
    http.post("/v1/auth/sign-up", json={**account, "email": "grace@example.org"}).raise_for_status()
    assert http.post("/v1/auth/sign-in", json=account).status_code == 401, "not confirmed yet"
    code = {"username": account["username"], "code": CODE}
    http.post("/v1/auth/confirm", json=code).raise_for_status()
    tokens = http.post("/v1/auth/sign-in", json=account).raise_for_status().json()
    renewed = http.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    for token in (tokens["access_token"], renewed.raise_for_status().json()["access_token"]):
        me = http.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).raise_for_status().json()
        assert (me["username"], me["role"]) == (account["username"], "patient")


@pytest.mark.parametrize("specialty", SPECIALTIES)
def test_a_photo_of_every_specialty_is_analysed_by_a_demonstration_model(
    person: Person, specialty: str
) -> None:
    (asked,) = [entry for entry in person.client.specialties() if entry.name == specialty]
    image = person.client.upload_and_wait(sharp(), specialty)
    assert image.status == "analyzed", image
    assert image.quality is not None
    assert image.quality.verdict == "accepted"
    finding = image.prediction
    assert finding is not None
    assert finding.demonstration is True
    assert {entry.label for entry in finding.probabilities} == {label.name for label in asked.labels}
    assert math.isclose(sum(entry.probability for entry in finding.probabilities), 1, abs_tol=1e-6)
    assert finding.top_label == finding.probabilities[0].label
    assert finding.timings_ms


def test_one_long_poll_brings_the_finding(person: Person) -> None:
    person.send("skin", sharp(2))  # whatever had to be started is running now
    data = sharp(3)
    announced = person.announce("skin", data)
    assert announced["status"] == "awaiting_upload"
    assert person.post(announced["upload"], data).is_success
    answer = person.ask("GET", f"/v1/images/{announced['image_id']}", headers={"Prefer": "wait=20"})
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.json()["status"] == "analyzed"


def test_a_poll_for_a_photo_that_never_comes_ends_in_time_and_says_when_to_ask_again(person: Person) -> None:
    announced = person.announce("skin", sharp())
    answer = person.ask("GET", f"/v1/images/{announced['image_id']}", headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "awaiting_upload"
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_list_shows_ones_own_images_newest_first_page_by_page(plain: Stack) -> None:
    owner, stranger = plain.person(), plain.person()
    sent = [owner.announce("skin", sharp())["image_id"] for _ in range(3)]
    first = owner.client.images(limit=2)
    rest = owner.client.images(limit=2, cursor=first.cursor)
    assert [image.image_id for image in (*first.items, *rest.items)] == sent[::-1]
    assert rest.cursor is None
    assert stranger.client.images().items == ()


def test_the_working_image_is_upright_and_knows_neither_place_nor_camera(person: Person) -> None:
    data = told_by_the_camera()
    assert CAMERA.encode() in data
    image = person.client.upload_and_wait(data, "skin")
    working = person.client.download(image.image_id)
    assert CAMERA.encode() not in working
    picture = Image.open(io.BytesIO(working))
    assert (picture.format, picture.size) == ("JPEG", (240, 320))
    assert not picture.getexif()


def test_a_blurred_photo_is_rejected_with_its_score_and_what_to_do(person: Person) -> None:
    image = person.client.upload_and_wait(blurred(), "skin")
    assert image.status == "rejected"
    assert image.prediction is None
    assert image.quality is not None
    (reason,) = [reason for reason in image.quality.reasons if reason.code == "blurred"]
    assert reason.value is not None
    assert reason.threshold is not None
    assert reason.value < reason.threshold
    assert image.quality.focus_score is not None
    assert len(reason.message.split()) > 5


def test_a_blurred_photo_given_for_training_keeps_its_working_image(person: Person) -> None:
    image = person.client.upload_and_wait(blurred(), "skin", purpose="training")
    assert image.status == "rejected"
    assert person.client.download(image.image_id).startswith(b"\xff\xd8")


def test_each_step_is_told_on_the_bus_under_the_callers_correlation_id(person: Person, bus: Listener) -> None:
    data = sharp(4)
    body = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": len(data)}
    correlation = {"X-Correlation-Id": "a-correlation-of-the-caller"}
    announced = person.ask("POST", "/v1/images", json=body, headers=correlation)
    assert announced.headers["X-Correlation-Id"] == "a-correlation-of-the-caller"
    person.post(announced.json()["upload"], data)
    image_id = announced.json()["image_id"]
    events = bus.heard_of(image_id, {"image.accepted", "image.analyzed"})
    assert {event["detail"]["correlation_id"] for event in events} == {"a-correlation-of-the-caller"}
    (analysed,) = {
        event["detail"]["detail"]["top_label"] for event in events if event["detail-type"] == "image.analyzed"
    }
    assert analysed == person.outcome(image_id)["prediction"]["top_label"]


def test_a_rejection_is_told_on_the_bus(person: Person, bus: Listener) -> None:
    image = person.client.upload_and_wait(blurred(), "eye")
    (event,) = bus.heard_of(image.image_id, {"image.rejected"})
    assert "blurred" in event["detail"]["detail"]["reasons"]


def test_fifty_photos_at_once_give_fifty_findings_and_none_twice(plain: Stack) -> None:
    owner = plain.person("crowd")
    photos = [sharp(seed) for seed in range(50)]
    announced = [owner.announce("skin", data) for data in photos]
    together = Barrier(len(photos))

    def post(form: dict[str, Any], data: bytes) -> bool:
        together.wait(timeout=60)
        return owner.post(form["upload"], data).is_success

    with ThreadPoolExecutor(len(photos)) as pool:
        assert all(pool.map(post, announced, photos))
    images = [owner.outcome(form["image_id"]) for form in announced]
    assert [image["status"] for image in images] == ["analyzed"] * 50
    ids = {image["image_id"] for image in images}
    assert len(ids) == 50
    assert {len(plain.results_of(image_id)) for image_id in ids} == {1}
    assert {image.image_id for image in owner.client.all_images()} == ids


def test_messages_that_come_again_change_nothing(plain: Stack, person: Person, bus: Listener) -> None:
    data = sharp()
    announced = person.announce("skin", data)
    image_id, form = announced["image_id"], announced["upload"]
    person.post(form, data)
    notification, request = messages_of(plain, form["fields"]["key"], image_id)
    resend(plain, notification, request)  # during the first processing
    finding = person.outcome(image_id)
    assert finding["status"] == "analyzed"
    resend(plain, request, notification)  # and after it
    assert person.ask("GET", f"/v1/images/{image_id}").json() == finding
    assert len(plain.results_of(image_id)) == 1
    events = bus.heard_of(image_id, {"image.accepted", "image.analyzed"})
    assert len({event["detail"]["event_id"] for event in events}) == 2


def messages_of(stack: Stack, key: str, image_id: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two messages of an image's way, each with the output that names its queue."""
    bucket = stack.outputs["UploadsBucket"]
    version = stack.aws("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    entity = {"bucket": {"name": bucket}, "object": {"key": key, "versionId": version}}
    notification = {"Records": [{"eventName": "ObjectCreated:Post", "s3": entity}]}
    request = InferenceRequest(
        image_id=image_id, object_version=version, attempt=1, correlation_id="again-and-again"
    )
    return ("QualityQueueUrl", json.dumps(notification)), ("InferenceQueueUrl", request.model_dump_json())


def resend(stack: Stack, *messages: tuple[str, str]) -> None:
    """Sends each message three times more, and waits until all are worked off."""
    for queue, body in messages * 3:
        stack.aws("sqs").send_message(QueueUrl=stack.outputs[queue], MessageBody=body)
    until(lambda: not any(stack.waiting(queue) for queue, _ in messages), "all messages are worked off")


def test_repeating_a_request_with_its_idempotency_key_gives_the_same_image(person: Person) -> None:
    data = sharp()
    body = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": len(data)}
    key = {"Idempotency-Key": "the-key-of-this-photo"}
    first = person.ask("POST", "/v1/images", json=body, headers=key)
    again = person.ask("POST", "/v1/images", json=body, headers=key)
    other = person.ask("POST", "/v1/images", json={**body, "specialty": "eye"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["image_id"] == again.json()["image_id"]
    assert person.post(again.json()["upload"], data).is_success
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert person.outcome(first.json()["image_id"])["status"] == "analyzed"
    processed = person.ask("POST", "/v1/images", json=body, headers=key)
    assert processed.json()["image_id"] == first.json()["image_id"]
    assert processed.json()["upload"] is None


def test_many_requests_at_once_with_one_idempotency_key_make_one_image(plain: Stack) -> None:
    owner = plain.person()
    body = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": 1000}
    key = {"Idempotency-Key": "one-key-for-all"}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = [
            pool.submit(owner.ask, "POST", "/v1/images", json=body, headers=key) for _ in range(2 * AT_ONCE)
        ]
        answers = [future.result() for future in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * (2 * AT_ONCE - 1) + [201]
    assert len({answer.json()["image_id"] for answer in answers}) == 1
    assert len(owner.client.images().items) == 1


def test_a_finding_is_explained_in_pictures_that_a_browser_can_fetch(person: Person) -> None:
    image = person.client.upload_and_wait(sharp(), "skin")
    assert image.prediction is not None
    found = person.client.explanation(image.image_id)
    assert (found.label, found.method) == (image.prediction.top_label, "grad_cam")
    with Image.open(io.BytesIO(person.client.fetch(found.overlay))) as overlay:
        assert overlay.format == "JPEG"
    with Image.open(io.BytesIO(person.client.fetch(found.heatmap))) as heatmap:
        working = Image.open(io.BytesIO(person.client.download(image.image_id)))
        assert (heatmap.format, heatmap.size) == ("PNG", working.size)
    last = image.prediction.probabilities[-1].label
    assert person.client.explanation(image.image_id, last).label == last
