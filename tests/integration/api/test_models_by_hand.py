"""A model comes in by hand: announced, registered, listed, activated; and who may do so."""

from typing import Any

import pytest

from tests.cloud import REGION
from tests.integration.api.conftest import Api
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.domain.errors import ConflictError
from triagelens.domain.imports import ImportStatus
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, Problem, RegisteredModel
from triagelens.domain.people import Role

DIGEST = "ab" * 32
MANIFEST: dict[str, Any] = {
    "specialty": "eye",
    "name": "third-party",
    "version": "1.0",
    "sha256": DIGEST,
    "created_at": "2026-11-23T10:00:00Z",
    "labels": ["normal", "cataract"],
    "input": {"name": "x", "height": 224, "width": 224},
    "output": {"name": "y"},
    "licence": "MIT",
    "intended_use": "research",
}
REASON = {"reason": "the baseline is for demonstrations"}


@pytest.fixture
def root(api: Api) -> dict[str, str]:
    return api.sign_up("root", Role.ADMIN)


def registry() -> DynamoRegistry:
    return DynamoRegistry("registry", REGION)


def register(
    version: str, status: ModelStatus = ModelStatus.CANDIDATE, specialty: str = "eye"
) -> RegisteredModel:
    """Does what register_model would do."""
    folder = f"models/{specialty}/{version}"
    problems = (Problem(code="digest", message="Wrong digest."),) if status is ModelStatus.REFUSED else ()
    manifest = Manifest.model_validate(MANIFEST)
    return registry().add_model(
        RegisteredModel(
            specialty=specialty,
            name=manifest.name,
            version=version,
            status=status,
            problems=problems,
            model_key=f"{folder}/model.onnx",
            model_object_version="v1",
            model_sha256=DIGEST,
            manifest_key=f"{folder}/manifest.json",
            manifest_object_version="v2",
            manifest_sha256=DIGEST,
            intended_use=manifest.intended_use,
            registered_by="sub-root",
            created_at=manifest.created_at,
        )
    )


def announce(api: Api, person: dict[str, str], **changes: Any) -> tuple[int, dict[str, Any]]:
    body = {"manifest": {**MANIFEST, **changes}, "size_bytes": 5000}
    answer = api.client.post("/v1/models", json=body, headers=person)
    return answer.status_code, answer.json()


def test_a_model_is_announced_registered_and_put_into_production(api: Api, root: dict[str, str]) -> None:
    status, announced = announce(api, root)
    assert (status, announced["status"]) == (201, "awaiting_upload")
    folder = f"incoming/{announced['import_id']}"
    assert announced["uploads"]["model"]["fields"]["key"] == f"{folder}/model.onnx"
    assert announced["uploads"]["manifest"]["fields"]["key"] == f"{folder}/manifest.json"
    assert announced["uploads"]["head"] is None

    where = f"/v1/models/imports/{announced['import_id']}"
    assert api.client.get(where, headers=root).json()["status"] == "awaiting_upload"
    register("1.0")
    waiting = registry().model_import(announced["import_id"])
    registry().replace_import(waiting.model_copy(update={"status": ImportStatus.CANDIDATE}))
    assert api.client.get(where, headers=root).json()["status"] == "candidate"

    address = "/v1/models/eye/1.0"
    assert api.client.get(address, headers=root).json()["production"] is False
    activated = api.client.post(f"{address}/activate", json=REASON, headers=root)
    assert (activated.status_code, activated.json()["production"]) == (200, True)
    pointer = registry().production("eye")
    assert pointer is not None
    assert (pointer.version, pointer.revision) == ("1.0", 1)
    entry = api.audited()[-1]
    assert (entry["action"], entry["subject"], entry["reason"]) == (
        "model.activate",
        "eye/1.0",
        REASON["reason"],
    )


def test_models_are_listed_with_what_became_of_them(api: Api, root: dict[str, str]) -> None:
    register("1.0")
    register("1.1", ModelStatus.REFUSED)
    register("1.0", specialty="skin")
    api.client.post("/v1/models/eye/1.0/activate", json=REASON, headers=root)
    items = api.client.get("/v1/models", params={"specialty": "eye"}, headers=root).json()["items"]
    assert [(m["version"], m["status"], m["production"]) for m in items] == [
        ("1.0", "candidate", True),
        ("1.1", "refused", False),
    ]
    assert items[1]["problems"] == [{"code": "digest", "message": "Wrong digest."}]
    first = api.client.get("/v1/models", params={"limit": 2}, headers=root).json()
    second = api.client.get("/v1/models", params={"limit": 2, "cursor": first["cursor"]}, headers=root).json()
    every = [(m["specialty"], m["version"]) for m in [*first["items"], *second["items"]]]
    assert every == [("eye", "1.0"), ("eye", "1.1"), ("skin", "1.0")]
    assert second["cursor"] is None
    for query in ({"specialty": "feet"}, {"cursor": "feet:1"}, {"specialty": "eye", "cursor": "NO!"}):
        assert api.client.get("/v1/models", params=query, headers=root).status_code in (400, 422)


def test_a_refused_or_unknown_model_is_not_activated(api: Api, root: dict[str, str]) -> None:
    register("1.1", ModelStatus.REFUSED)
    refused = api.client.post("/v1/models/eye/1.1/activate", json=REASON, headers=root)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    unknown = api.client.post("/v1/models/eye/9.9/activate", json=REASON, headers=root)
    assert unknown.status_code == 404
    assert registry().production("eye") is None


def test_an_activation_needs_a_reason(api: Api, root: dict[str, str]) -> None:
    register("1.0")
    for body in ({}, {"reason": ""}):
        assert api.client.post("/v1/models/eye/1.0/activate", json=body, headers=root).status_code == 422


def test_a_manifest_that_does_not_hold_together_is_told_part_by_part(api: Api, root: dict[str, str]) -> None:
    status, told = announce(api, root, sha256="short", labels=["one"], surprise=1)
    assert status == 422
    pointers = {error["pointer"] for error in told["errors"]}
    assert pointers == {"#/manifest/sha256", "#/manifest/labels", "#/manifest/surprise"}


def test_a_registered_version_is_not_announced_again(api: Api, root: dict[str, str]) -> None:
    register("1.0")
    assert announce(api, root)[0] == 409
    register("1.1", ModelStatus.REFUSED)
    assert announce(api, root, version="1.1")[0] == 201


def test_a_refused_version_is_replaced_and_a_candidate_never(api: Api) -> None:
    register("1.0", ModelStatus.REFUSED)
    register("1.0")
    with pytest.raises(ConflictError):
        register("1.0")
    assert registry().model("eye", "1.0").status is ModelStatus.CANDIDATE


def test_two_activations_at_once_do_not_overwrite_each_other(api: Api, root: dict[str, str]) -> None:
    register("1.0")
    api.client.post("/v1/models/eye/1.0/activate", json=REASON, headers=root)
    pointer = registry().production("eye")
    assert pointer is not None
    registry().point(pointer.model_copy(update={"revision": 2}))
    with pytest.raises(ConflictError):
        registry().point(pointer.model_copy(update={"revision": 2}))


@pytest.mark.parametrize("role", [Role.PATIENT, Role.DOCTOR])
def test_only_an_admin_brings_and_activates_models_and_other_attempts_are_written_down(
    api: Api, role: Role
) -> None:
    person = api.sign_up("eve", role)
    register("1.0")
    assert announce(api, person)[0] == 403
    assert api.client.get("/v1/models/imports/x", headers=person).status_code == 403
    assert api.client.post("/v1/models/eye/1.0/activate", json=REASON, headers=person).status_code == 403
    assert api.client.get("/v1/models", headers=person).status_code == (403 if role is Role.PATIENT else 200)
    assert registry().production("eye") is None
    denied = [entry["action"] for entry in api.audited() if entry["outcome"] == "denied"]
    assert denied[:3] == [
        "POST /v1/models",
        "GET /v1/models/imports/{import_id}",
        "POST /v1/models/{specialty}/{version}/activate",
    ]
