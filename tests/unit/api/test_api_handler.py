"""API Gateway's events through the Lambda handler."""

import json
from typing import Any

import pytest

from clinic_api import handler as entry
from clinic_api.app import create_app
from clinic_api.settings import settings
from tests.cloud import FakeContext
from tests.unit.api.conftest import SETTINGS, Fakes

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def event(path: str, method: str = "GET", body: str | None = None, **headers: str) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": REQUEST_ID, "stage": "api", "path": f"/api{path}"},
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.model_dump(exclude_none=True).items():
        monkeypatch.setenv(name.upper(), str(value))
    settings.cache_clear()
    entry.application.cache_clear()


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_the_stage_is_taken_off_the_path_if_it_is_there(path: str) -> None:
    answer = entry.handler(event(path), FakeContext())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"status": "ok"}


def test_the_gateways_request_id_is_the_correlation_id_where_the_client_has_none() -> None:
    answer = entry.handler(event("/nothing"), FakeContext())
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["correlation_id"] == REQUEST_ID


def test_guesses_are_counted_for_the_address_that_the_gateway_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = Fakes()
    app = create_app()
    fakes.stand_in(app)
    monkeypatch.setattr(entry, "create_app", lambda _origins: app)
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    body = json.dumps({"username": "ada", "password": "wrong"})
    asked = event("/v1/auth/sign-in", "POST", body, **{"Content-Type": "application/json"}, **forged)
    asked["requestContext"]["identity"] = {"sourceIp": "192.0.2.1"}
    assert entry.handler(asked, FakeContext())["statusCode"] == 401
    assert set(fakes.attempts.counted) == {"sign_in|ada|192.0.2.1", "sign_in|192.0.2.1"}


@pytest.mark.parametrize(("path", "method"), [("/health", "GET"), ("/nothing", "GET"), ("/v1/me", "OPTIONS")])
def test_every_answer_leaves_as_text_which_the_gateway_passes_on_unchanged(path: str, method: str) -> None:
    asked = {"Origin": "https://portal.example.org", "Access-Control-Request-Method": "GET"}
    answer = entry.handler(event(path, method, **asked), FakeContext())
    assert answer["body"]
    assert answer["isBase64Encoded"] is False


def test_responses_are_counted_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    entry.handler(event("/nothing"), FakeContext())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["Responses4xx"] for line in lines] == [[1.0]]
    assert lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


def test_a_fault_is_answered_and_not_thrown_at_the_gateway(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("JWKS_URL", "file:///etc/passwd")
    settings.cache_clear()
    answer = entry.handler(event("/v1/me", Authorization="Bearer a.b.c"), FakeContext())
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["code"] == "internal_error"
    assert "mangum" not in {record.name.partition(".")[0] for record in caplog.records}
