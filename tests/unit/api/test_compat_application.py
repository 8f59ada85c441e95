"""A former system's application inside the API: its errors, its routes in log and trail, its headers."""

import json
import sys
from io import StringIO

import pytest
from fastapi.testclient import TestClient

from clinic_api.app import create_app
from clinic_api.compat.application import SYSTEMS
from tests.photos import photo
from tests.unit.api.conftest import ORIGIN, Fakes
from triagelens.domain.images import Device

TOLD = {
    "prediction": 0.1,
    "predictedClass": 0,
    "className": "Normal",
    "confidence": 90.0,
    "inferenceTime": 0.25,
    "timestamp": "2025-01-17T10:30:00Z",
    "deviceInfo": {"platform": "android", "version": "13"},
}


def send(client: TestClient, headers: dict[str, str], data: bytes) -> tuple[int, dict[str, object]]:
    answer = client.post(
        "/compat/cataract/api/training-data",
        data={"metadata": json.dumps(TOLD)},
        files={"image": ("eye.jpg", data)},
        headers=headers,
    )
    body: dict[str, object] = answer.json()
    return answer.status_code, body


def test_a_system_is_imported_when_it_is_first_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SYSTEMS:
        monkeypatch.delitem(sys.modules, f"clinic_api.compat.{name}", raising=False)
    client = TestClient(create_app())
    assert "clinic_api.compat.cataract" not in sys.modules
    assert client.get("/compat/cataract/health").status_code == 200
    assert "clinic_api.compat.cataract" in sys.modules


def test_all_that_the_app_says_of_a_photo_is_kept(client: TestClient, fakes: Fakes) -> None:
    status, body = send(client, fakes.person("ada"), photo(width=80, height=80))
    assert status == 200
    record = fakes.casework.image(str(body["submissionId"]))
    told = record.upload.on_device_prediction
    assert told is not None
    assert (record.specialty, record.upload.purpose) == ("eye", "training")
    assert told.model_dump(exclude_none=True) == {
        "label": "Normal",
        "probability": 0.9,
        "class_index": 0,
        "raw_output": 0.1,
        "inference_time_s": 0.25,
    }
    taken = record.upload.captured_at
    assert (taken and taken.isoformat()) == "2025-01-17T10:30:00+00:00"
    assert record.upload.device == Device(platform="android", version="13")


def test_a_fault_of_ours_has_the_former_shape_and_is_not_told(
    client: TestClient, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(fakes.originals, "write", broken)
    status, body = send(client, fakes.person("ada"), photo(width=80, height=80))
    assert status == 500
    assert body == {
        "success": False,
        "message": "Something went wrong on our side.",
        "code": "internal_error",
    }


def test_an_address_that_is_not_there_has_the_former_shape(client: TestClient) -> None:
    answer = client.get("/compat/cataract/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["success"] is False


def test_a_system_that_is_not_there_has_todays_shape(client: TestClient) -> None:
    answer = client.get("/compat/nobody/health")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_log_and_trail_name_the_route_with_its_prefix(
    client: TestClient, fakes: Fakes, logged: StringIO
) -> None:
    _, body = send(client, fakes.person("ada"), photo(width=80, height=80))
    (entry,) = fakes.audit.entries
    assert entry.action == "POST /compat/cataract/api/training-data"
    assert (entry.actor, entry.subject) == ("sub-ada", body["submissionId"])
    routes = [json.loads(line).get("route") for line in logged.getvalue().splitlines()]
    assert "/compat/cataract/api/training-data" in routes


def test_browsers_of_the_portal_may_read_it_and_no_others(client: TestClient) -> None:
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://elsewhere.example", None)):
        answer = client.get("/compat/cataract/health", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Correlation-Id" in answer.headers
