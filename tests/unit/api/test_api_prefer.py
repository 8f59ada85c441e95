"""`Prefer: wait=N` as RFC 7240 writes it, and what it does."""

import pytest
from fastapi.testclient import TestClient

from clinic_api.prefer import wait_of
from tests.unit.api.conftest import Fakes
from triagelens.domain.images import ImageStatus


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        ([""], None),
        (["wait=10"], 10),
        (["Wait = 10"], 10),
        (['wait="10"'], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10"], 10),
        (["wait=10; foo=bar, wait=20"], 10),
        (["wait=0"], 0),
        (["wait"], None),
        (["wait=-1"], None),
        (["wait=ten"], None),
        (["wait=99999999999999999999"], None),
        (["await=10"], None),
    ],
)
def test_the_wait_is_read_and_everything_else_ignored(values: list[str], seconds: int | None) -> None:
    assert wait_of(values) == seconds


def begin(client: TestClient, headers: dict[str, str]) -> str:
    photo = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
    image_id: str = client.post("/v1/images", json=photo, headers=headers).json()["image_id"]
    return image_id


def test_a_wait_ends_with_200_as_soon_as_the_image_is_final(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    image_id = begin(client, ada)

    def reject() -> None:
        record = fakes.casework.image(image_id)
        fakes.casework.replace_image(record.move(ImageStatus.REJECTED, fakes.clock()))

    fakes.stopwatch.on_pause = reject
    answer = client.get(f"/v1/images/{image_id}", headers={**ada, "Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert "Retry-After" not in answer.headers


def test_a_wait_in_vain_ends_with_202(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    answer = client.get(f"/v1/images/{begin(client, ada)}", headers={**ada, "Prefer": "wait=60"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.headers["Retry-After"] == "1"
    assert sum(fakes.stopwatch.pauses) == pytest.approx(20)


def test_who_finds_no_place_is_answered_at_once(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    fakes.room.places = 0
    answer = client.get(f"/v1/images/{begin(client, ada)}", headers={**ada, "Prefer": "wait=20"})
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers
    assert int(answer.headers["Retry-After"]) > 1
    assert fakes.stopwatch.pauses == []


def test_without_the_header_nobody_waits(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    answer = client.get(f"/v1/images/{begin(client, ada)}", headers=ada)
    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_upload")
    assert fakes.stopwatch.pauses == []


def test_an_image_that_can_no_longer_come_is_final(client: TestClient, fakes: Fakes) -> None:
    ada = fakes.person("ada")
    image_id = begin(client, ada)
    fakes.clock.advance(hours=2)
    answer = client.get(f"/v1/images/{image_id}", headers={**ada, "Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "expired")
