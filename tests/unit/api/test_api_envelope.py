"""What every answer carries: correlation id, safe headers, CORS for known origins only."""

import io
import json

import pytest
from fastapi.testclient import TestClient

from clinic_api.app import create_app
from clinic_api.correlation import SECURITY_HEADERS
from tests.unit.api.conftest import ORIGIN, Fakes
from triagelens.domain.ids import is_id


@pytest.mark.parametrize("path", ["/health", "/v1/me", "/nothing"])
def test_every_answer_is_kept_out_of_caches_and_frames(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_sane_correlation_id_of_the_client_is_kept(client: TestClient) -> None:
    answer = client.get("/health", headers={"X-Correlation-Id": "clinic-7.request_1"})
    assert answer.headers["X-Correlation-Id"] == "clinic-7.request_1"


@pytest.mark.parametrize(
    "offered", ["", "short", "x" * 65, "has space in it", 'quote"quote', "a\\nb-injected"]
)
def test_any_other_is_replaced(client: TestClient, offered: str) -> None:
    answer = client.get("/health", headers={"X-Correlation-Id": offered})
    assert is_id(answer.headers["X-Correlation-Id"])


def test_the_health_check_needs_nothing() -> None:
    assert TestClient(create_app()).get("/health").json() == {"status": "ok"}


def test_a_browser_on_a_known_origin_may_call(client: TestClient) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key,prefer,x-correlation-id",
    }
    preflight = client.options("/v1/images", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    answer = client.get("/v1/me", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_a_portal_that_asks_with_credentials_may_read_the_answer(client: TestClient) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-requested-with",
    }
    preflight = client.options("/compat/braintumor/api/admin/login", headers=asked)
    answer = client.get("/compat/braintumor/api/health", headers={"Origin": ORIGIN})
    elsewhere = client.get(
        "/compat/braintumor/api/health", headers={"Origin": "https://elsewhere.example", "Cookie": "a=b"}
    )
    for one in (preflight, answer):
        assert one.status_code == 200
        assert one.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert one.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in elsewhere.headers


def test_a_browser_anywhere_else_may_not(client: TestClient) -> None:
    answer = client.get("/v1/me", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_origins_there_is_no_cors() -> None:
    answer = TestClient(create_app()).get("/health", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_specialties_are_told_with_their_labels(client: TestClient, fakes: Fakes) -> None:
    items = client.get("/v1/specialties", headers=fakes.person("ada")).json()["items"]
    assert [item["name"] for item in items] == ["skin", "eye", "oral", "brain"]
    melanoma = {"name": "mel", "title": "Melanoma", "urgent": True}
    assert melanoma in items[0]["labels"]
    assert items[0]["focus_threshold"] > 0


def test_each_request_leaves_one_line_in_the_log(
    client: TestClient, fakes: Fakes, logged: io.StringIO
) -> None:
    answer = client.get("/v1/images/canary-in-the-path", headers=fakes.person("ada"))
    (line,) = [json.loads(text) for text in logged.getvalue().splitlines()]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/images/{image_id}", 404)
    assert line["correlation_id"] == answer.headers["X-Correlation-Id"]
    assert "canary" not in logged.getvalue()
