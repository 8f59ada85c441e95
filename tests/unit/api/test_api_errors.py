"""Every error is a problem document, and none tells what it should not."""

import io
import json
import logging
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError

from clinic_api.deps import ports
from clinic_api.errors import STATUSES
from clinic_api.observability import logger
from tests.unit.api.conftest import ORIGIN, Fakes
from triagelens.domain import errors as domain

PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
SECRET = "canary-Password-7"


def stand_in(client: TestClient, casework: Callable[[], None]) -> None:
    """Puts something that breaks where image records come from."""
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[ports.casework] = casework


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "not_found"),
        ("GET", "/v1/images/", 404, "not_found"),
        ("DELETE", "/v1/me", 405, "method_not_allowed"),
        ("GET", "/v1/me", 401, "unauthenticated"),
        ("POST", "/v1/auth/sign-in", 422, "invalid_request"),
    ],
)
def test_an_error_is_a_problem_document(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"] == f"urn:triagelens:problem:{code}"
    assert told["title"]
    assert told["detail"]
    assert told["correlation_id"] == answer.headers["X-Correlation-Id"]


def test_a_wrong_method_is_told_the_right_ones(client: TestClient) -> None:
    assert client.delete("/v1/me").headers["Allow"] == "GET"


def test_each_mistake_in_a_body_is_pointed_at(client: TestClient, fakes: Fakes) -> None:
    body = {**PHOTO, "size_bytes": 0, "device": {"version": "1"}, "on_device_prediction": {"label": "x"}}
    body |= {"a/b~c": 1}
    answer = client.post("/v1/images", json=body, headers=fakes.person("ada"))
    assert answer.status_code == 422
    errors = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert errors == {
        "#/size_bytes": "greater_than_equal",
        "#/device/platform": "missing",
        "#/on_device_prediction/probability": "missing",
        "#/a~1b~0c": "extra_forbidden",
    }


def test_a_mistake_in_the_query_is_named_by_its_parameter(client: TestClient, fakes: Fakes) -> None:
    answer = client.get("/v1/images", params={"limit": 101}, headers=fakes.person("ada"))
    assert [error["parameter"] for error in answer.json()["errors"]] == ["limit"]


def test_a_mistake_in_a_header_is_named_by_the_header(client: TestClient, fakes: Fakes) -> None:
    headers = {**fakes.person("ada"), "Idempotency-Key": "k" * 129}
    answer = client.post("/v1/images", json=PHOTO, headers=headers)
    assert [error["parameter"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("body", ["{", "", '"text"', "[]", "null", '{"username": "a" "b"}'])
def test_a_body_that_is_no_json_object_is_a_422(client: TestClient, body: str) -> None:
    answer = client.post("/v1/auth/sign-in", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_wrong_value_is_never_repeated(client: TestClient) -> None:
    body = {"username": "ada", "password": SECRET, "code": SECRET, "new_password": [SECRET], "x": SECRET}
    answer = client.post("/v1/auth/sign-in", json=body)
    assert answer.status_code == 422
    assert SECRET not in answer.text


def test_a_fault_of_ours_tells_nothing_and_is_logged_with_its_stack(
    client: TestClient, fakes: Fakes, logged: io.StringIO
) -> None:
    def broken() -> None:
        raise RuntimeError("the disk is on fire")

    stand_in(client, broken)
    answer = client.get("/v1/images", headers={**fakes.person("ada"), "Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "fire" not in answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN  # a browser may read it
    assert answer.headers["X-Correlation-Id"] == answer.json()["correlation_id"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "the disk is on fire" in logged.getvalue()
    assert answer.json()["correlation_id"] in logged.getvalue()


def test_a_stored_record_that_does_not_fit_is_logged_without_its_values(
    client: TestClient, fakes: Fakes, logged: io.StringIO
) -> None:
    class Stored(BaseModel):
        platform: str

    def corrupt() -> None:
        Stored.model_validate({"platform": {"patient": SECRET}})

    with pytest.raises(ValidationError, match=SECRET):
        corrupt()  # what pydantic says repeats the value
    stand_in(client, corrupt)
    answer = client.get("/v1/images", headers=fakes.person("ada"))
    assert answer.status_code == 500
    line = json.loads(logged.getvalue().splitlines()[0])
    assert line["fields"] == [{"loc": ["platform"], "type": "string_type"}]
    assert SECRET not in json.dumps(line)


def test_every_error_of_the_domain_has_a_status() -> None:
    def below(kind: type[domain.TriagelensError]) -> set[type[domain.TriagelensError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    never_reaches_the_api = {domain.TriagelensError}
    kinds = {kind for kind in below(domain.TriagelensError) if kind.__module__ == domain.__name__}
    without = {kind for kind in kinds if not issubclass(kind, tuple(known for known, _ in STATUSES))}
    assert without == never_reaches_the_api


def test_no_line_of_the_table_hides_a_later_one() -> None:
    for position, (kind, _) in enumerate(STATUSES):
        assert not any(issubclass(kind, earlier) for earlier, _ in STATUSES[:position])


def test_no_name_address_or_file_name_reaches_the_log(
    client: TestClient, fakes: Fakes, logged: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    canaries = ["canary-name", "canary@example.org", "canary-file.jpg", SECRET]
    caplog.set_level(logging.DEBUG)
    account = {"username": "canary-name", "password": SECRET, "email": "canary@example.org"}
    client.post("/v1/auth/sign-up", json=account)
    client.post("/v1/auth/sign-in", json={"username": "canary-name", "password": SECRET})
    client.post(
        "/v1/images", json={**PHOTO, "original_filename": "canary-file.jpg"}, headers=fakes.person("ada")
    )
    client.post("/v1/images", json={"original_filename": "canary-file.jpg"}, headers=fakes.person("ada"))
    client.get("/v1/me/canary-name", headers={"X-Correlation-Id": "canary@example.org"})
    logger.info("a line is seen here")
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]  # the test's client
    seen = logged.getvalue() + "".join(ours)
    assert "a line is seen here" in seen
    assert [canary for canary in canaries if canary in seen] == []
