"""GET /v1/images/{id}/explanation."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps.explanations import explainer
from tests.unit.api.conftest import Fakes
from tests.unit.services.test_explanations import finding, image
from triagelens.adapters.explanations import LambdaExplainer
from triagelens.domain.explanations import Explanation, Method
from triagelens.domain.people import Role


class Lambda:
    """As much of Lambda's client as is asked: it answers what it is told to."""

    def __init__(self, answer: Any, error: str | None = None) -> None:
        self._answer, self._error = answer, error
        self.asked: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # Lambda's names
        assert FunctionName == "explain"
        self.asked.append(json.loads(Payload))
        if isinstance(self._answer, Exception):
            raise self._answer
        said = {"Payload": io.BytesIO(json.dumps(self._answer).encode())}
        return said | ({"FunctionError": self._error} if self._error else {})


def answered_by(client: TestClient, function: Lambda) -> None:
    assert isinstance(client.app, FastAPI)
    made = LambdaExplainer(function, "explain")  # type: ignore[arg-type]  # a part of the client
    client.app.dependency_overrides[explainer] = lambda: made


def explanation(image_id: str, label: str = "mel") -> dict[str, Any]:
    return Explanation(
        image_id=image_id,
        label=label,
        method=Method.GRAD_CAM,
        heatmap_key="explanations/1/heatmap.png",
        overlay_key="explanations/1/overlay.jpg",
        central_share=0.75,
    ).model_dump(mode="json")


def test_a_finding_is_explained_with_links_that_expire(client: TestClient, fakes: Fakes) -> None:
    headers = fakes.person("ada")
    record = image(fakes.casework, finding()).model_copy(update={"owner": "sub-ada"})
    fakes.casework.replace_image(record)
    function = Lambda(explanation(record.image_id))
    answered_by(client, function)
    answer = client.get(f"/v1/images/{record.image_id}/explanation", headers=headers)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert function.asked == [{"image_id": record.image_id, "label": "mel"}]
    assert (said["label"], said["method"], said["central_share"]) == ("mel", "grad_cam", 0.75)
    assert said["heatmap"]["url"] == "https://images.example/explanations/1/heatmap.png?expires=300"
    assert "overlay.jpg" in said["overlay"]["url"]
    expires = (fakes.clock() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    assert said["overlay"]["expires_at"] == expires


def test_any_label_of_the_model_may_be_asked_for_and_no_other(client: TestClient, fakes: Fakes) -> None:
    doctor = fakes.person("doctor", Role.DOCTOR)
    record = image(fakes.casework, finding())
    function = Lambda(explanation(record.image_id, "nv"))
    answered_by(client, function)
    path = f"/v1/images/{record.image_id}/explanation"
    assert client.get(path, params={"label": "nv"}, headers=doctor).json()["label"] == "nv"
    refused = client.get(path, params={"label": "measles"}, headers=doctor)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_label")
    assert len(function.asked) == 1


def test_a_stranger_learns_nothing_and_an_image_without_a_finding_says_so(
    client: TestClient, fakes: Fakes
) -> None:
    stranger, doctor = fakes.person("stranger"), fakes.person("doctor", Role.DOCTOR)
    found, waiting = image(fakes.casework, finding()), image(fakes.casework, None)
    answered_by(client, Lambda(explanation(found.image_id)))
    assert client.get(f"/v1/images/{found.image_id}/explanation", headers=stranger).status_code == 404
    early = client.get(f"/v1/images/{waiting.image_id}/explanation", headers=doctor)
    assert early.status_code == 409


@pytest.mark.parametrize(
    ("function", "status", "code"),
    [
        (Lambda({"problem": "One run takes 9 s."}), 409, "not_explainable"),
        (Lambda({"errorMessage": "Task timed out"}, error="Unhandled"), 503, "unavailable"),
        (Lambda(ReadTimeoutError(endpoint_url="lambda")), 503, "unavailable"),
    ],
    ids=["it says why not", "it dies", "it does not answer"],
)
def test_a_function_that_cannot_is_told_as_a_problem(
    client: TestClient, fakes: Fakes, function: Lambda, status: int, code: str
) -> None:
    doctor = fakes.person("doctor", Role.DOCTOR)
    record = image(fakes.casework, finding())
    answered_by(client, function)
    answer = client.get(f"/v1/images/{record.image_id}/explanation", headers=doctor)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
