"""The way of an image through the client."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.unit.client.fake_api import API, FakeApi, analysed, problem, rejected
from triagelens_client import (
    DeadlinePassedError,
    Triagelens,
    UnexpectedAnswerError,
    UnreadableFileError,
    UploadRefusedError,
)
from triagelens_client.files import Source
from triagelens_client.http import Http
from triagelens_client.models import UploadForm
from triagelens_client.retry import Retry

Photo = Callable[[str], Path]


def test_a_photo_is_announced_uploaded_and_waited_for(
    client: Triagelens, api: FakeApi, photo: Photo, pauses: list[float]
) -> None:
    file = photo("mole.jpg")
    stages: list[str] = []
    image = client.upload_and_wait(file, "skin", purpose="training", on_stage=stages.append)

    assert image.status == "analyzed"
    assert image.prediction is not None
    assert image.prediction.top_label == "mel"
    assert image.prediction.demonstration
    assert api.seen == ["POST /v1/images", "UPLOAD uploads/image1", "GET /v1/images/image1"]
    assert api.stored["uploads/image1"] == file.read_bytes()
    assert stages == ["announcing", "uploading", "analysing"]
    assert pauses == []
    assert json.loads(api.requests[0].content) == {
        "specialty": "skin",
        "content_type": "image/jpeg",
        "size_bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "purpose": "training",
    }


def test_bytes_in_memory_go_the_same_way(client: Triagelens, api: FakeApi) -> None:
    png = b"\x89PNG\r\n\x1a\n and so on"
    client.upload_and_wait(png, "eye")
    assert api.stored["uploads/image1"] == png
    assert json.loads(api.requests[0].content)["content_type"] == "image/png"


def test_what_the_device_said_stands_beside_the_finding(
    client: Triagelens, api: FakeApi, photo: Photo
) -> None:
    said = {"label": "Cataract", "probability": 0.7, "class_index": 0, "raw_output": 0.3, "model": "app 3"}
    api.outcome = lambda *told: {**analysed(*told), "on_device_prediction": said}
    image = client.upload_and_wait(photo("eye.jpg"), "eye", on_device_prediction=said)
    assert json.loads(api.requests[0].content)["on_device_prediction"] == said
    assert image.on_device_prediction is not None
    assert image.on_device_prediction.model_dump(exclude_none=True) == said


def test_a_rejection_is_a_result_with_reasons(client: Triagelens, api: FakeApi, photo: Photo) -> None:
    api.outcome = rejected
    image = client.upload_and_wait(photo("shaky.jpg"), "skin")
    assert image.has_verdict
    assert image.prediction is None
    assert image.quality is not None
    assert [reason.message for reason in image.quality.reasons] == ["Hold the camera still."]


def test_the_token_never_reaches_the_storage(client: Triagelens, api: FakeApi, photo: Photo) -> None:
    client.upload_and_wait(photo("mole.jpg"), "skin")
    client.download("image1")
    storage = api.asked("UPLOAD .*") + api.asked("DOWNLOAD .*")
    assert len(storage) == 2
    assert all("authorization" not in request.headers for request in storage)


def test_a_lost_answer_to_the_announcement_makes_no_second_image(
    client: Triagelens, api: FakeApi, photo: Photo
) -> None:
    api.next_answers("POST /v1/images", httpx.ReadError("reset"), httpx.Response(503))
    client.upload_and_wait(photo("mole.jpg"), "skin")
    announced = api.asked("POST /v1/images")
    assert len(announced) == 3
    assert len({request.headers["idempotency-key"] for request in announced}) == 1
    assert list(api.images) == ["image1"]


def test_two_photos_have_two_idempotency_keys(client: Triagelens, api: FakeApi, photo: Photo) -> None:
    file = photo("mole.jpg")
    assert client.create_image(file, "skin").image_id != client.create_image(file, "skin").image_id


def test_an_upload_cut_off_starts_again_from_the_first_byte(
    client: Triagelens, api: FakeApi, photo: Photo
) -> None:
    api.next_answers("UPLOAD uploads/image1", httpx.WriteError("reset"))
    file = photo("mole.jpg")
    client.upload_and_wait(file, "skin")
    assert len(api.asked("UPLOAD .*")) == 2
    assert api.stored["uploads/image1"] == file.read_bytes()


def test_the_digest_is_made_once_however_often_the_upload_is_tried(photo: Photo) -> None:
    file = photo("mole.jpg")
    source = Source.of(file)
    first = source.sha256
    file.write_bytes(b"changed since")
    assert source.sha256 == first


class ChunkScale(httpx.BaseTransport):
    """Weighs each chunk of a request's body as it goes out."""

    def __init__(self) -> None:
        self.chunks: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.chunks.extend(len(chunk) for chunk in request.stream)
        return httpx.Response(204)


def test_a_file_is_streamed_and_not_read_at_once(photo: Photo) -> None:
    file = photo("large.jpg")
    file.write_bytes(b"\xff\xd8\xff" + bytes(1_000_000))
    scale = ChunkScale()
    http = Http(API, httpx.Client(transport=scale), Retry())
    source = Source.of(file)
    form = {"url": "https://uploads.example.org", "fields": {"key": "k"}}
    http.upload(UploadForm.model_validate(form), source, "image/jpeg")
    assert sum(scale.chunks) > 1_000_000
    assert max(scale.chunks) < 200_000


def test_a_refused_upload_says_what_the_storage_said(client: Triagelens, api: FakeApi, photo: Photo) -> None:
    xml = "<Error><Code>EntityTooLarge</Code><Message>Your proposed upload is too large</Message></Error>"
    api.next_answers("UPLOAD uploads/image1", httpx.Response(400, text=xml))
    with pytest.raises(UploadRefusedError, match="proposed upload is too large") as caught:
        client.upload_and_wait(photo("mole.jpg"), "skin")
    assert caught.value.code == "EntityTooLarge"


def test_a_repeated_request_for_a_processed_image_uploads_nothing(
    client: Triagelens, api: FakeApi, photo: Photo
) -> None:
    api.images["image9"] = {"specialty": "skin"}
    done = {"image_id": "image9", "status": "analyzed", "upload": None}
    api.next_answers("POST /v1/images", httpx.Response(201, json=done))
    assert client.upload_and_wait(photo("mole.jpg"), "skin").image_id == "image9"
    assert api.asked("UPLOAD .*") == []


def test_long_polls_follow_each_other_until_the_result(
    client: Triagelens, api: FakeApi, photo: Photo, pauses: list[float]
) -> None:
    api.polls_until_done = 3
    assert client.upload_and_wait(photo("mole.jpg"), "skin").status == "analyzed"
    polls = api.asked("GET /v1/images/image1")
    assert [request.headers["prefer"] for request in polls] == ["wait=20"] * 4
    assert pauses == [1.0, 1.0, 1.0], "the pauses that the API asked for"


def test_waiting_ends_at_the_deadline_and_names_the_image(
    client: Triagelens, api: FakeApi, photo: Photo
) -> None:
    api.polls_until_done = 1_000
    with pytest.raises(DeadlinePassedError, match="image1 is still accepted") as caught:
        client.upload_and_wait(photo("mole.jpg"), "skin", within_s=0.5)
    assert caught.value.subject == "Image image1"


def test_a_poll_waits_longer_on_the_network_than_the_api_may_take(client: Triagelens, api: FakeApi) -> None:
    api.images["image1"] = {"specialty": "skin"}
    client.wait_for("image1")
    timeout = api.requests[-1].extensions["timeout"]
    assert timeout["read"] == 50.0
    assert timeout["connect"] == 30.0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, r"gone\.jpg: No such file"),
        (b"", r"gone\.jpg is empty"),
        (b"%PDF-1.7 not an image", r"gone\.jpg is not a JPEG, PNG, BMP or WebP"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named_before_anything_is_asked(
    client: Triagelens, api: FakeApi, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "gone.jpg"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=complaint):
        client.upload_and_wait(file, "skin")
    assert api.seen == []


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe1....", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"BM..........", "image/bmp"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
    ],
)
def test_the_type_is_told_by_content_not_by_name(head: bytes, media_type: str) -> None:
    assert Source(head, "photo.txt").image_type == media_type


def test_all_images_come_page_by_page_newest_first(client: Triagelens, api: FakeApi) -> None:
    for number in range(5):
        api.images[f"image{number}"] = {"specialty": "skin"}
    assert [image.image_id for image in client.all_images()] == [
        "image4",
        "image3",
        "image2",
        "image1",
        "image0",
    ]
    assert len(api.asked("GET /v1/images")) == 3


def test_an_id_cannot_lead_to_another_path(client: Triagelens, api: FakeApi) -> None:
    api.next_answers("GET /v1/images/../me", problem(404, "not_found", "There is no such image."))
    with pytest.raises(Exception, match="no such image"):
        client.image("../me")
    assert b"/images/..%2Fme" in api.requests[-1].url.raw_path


def test_an_answer_of_another_shape_is_not_taken_for_an_image(client: Triagelens, api: FakeApi) -> None:
    for body in ({"hello": "world"}, ["a list"]):
        api.next_answers("GET /v1/images/image1", httpx.Response(200, json=body))
        with pytest.raises(UnexpectedAnswerError, match="did not answer with Image"):
            client.image("image1")


def test_what_a_newer_api_adds_is_ignored(client: Triagelens, api: FakeApi) -> None:
    newer = analysed("image1", "skin") | {"status": "analyzed", "heatmap": {"url": "x"}}
    api.next_answers("GET /v1/images/image1", httpx.Response(200, json=newer))
    assert client.image("image1").status == "analyzed"
