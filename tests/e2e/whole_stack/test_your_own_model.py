"""Somebody else's ONNX classifier is brought, checked and put into production without a deployment.

It runs after the tests that need the demonstration models: a specialty that has a registered model
never goes back to its demonstration.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.stack import Person, Stack, until
from tests.onnx_models import OnnxClassifier, classifier, edited, with_graph
from triagelens_client import InvalidRequestError, ModelImport

IN_FORCE_WITHIN_S = 30.0
REASON = "a test of the whole stack"
BROUGHT, NEWER = "2026.11", "2026.12"

KINDS: dict[str, dict[str, Any]] = {
    "skin": {"labels": ("nv", "mel", "bcc"), "batch": 1, "features": True},
    "eye": {"labels": ("clear", "cloudy"), "kind": "sigmoid", "layout": "NHWC", "dtype": "uint8"},
    "oral": {
        "labels": ("a", "b", "c", "d"),
        "kind": "probabilities",
        "channel_order": "BGR",
        "resize": "stretch",
        "output_axes": "width,1,1",
    },
    "brain": {"labels": ("none", "some"), "interpolation": "nearest", "antialias": False},
}


def bring(admin: Person, made: OnnxClassifier, folder: Path) -> ModelImport:
    """Imports a model the way its owner would, from files."""
    model, manifest = made.write(folder)
    head = folder / "head.npy" if made.head is not None else None
    return admin.client.models.import_model(model, manifest, head)


def model_of_next_image(person: Person, specialty: str) -> dict[str, Any]:
    """Which model answers an image that is sent now."""
    image = person.send(specialty, sharp())
    assert image["status"] == "analyzed", image
    answered: dict[str, Any] = image["prediction"]
    return answered


def wait_for_version(person: Person, specialty: str, version: str) -> dict[str, Any]:
    """The first finding of that version of the model, which has to come in time."""

    def look() -> dict[str, Any] | None:
        finding = model_of_next_image(person, specialty)
        return finding if finding["model"]["version"] == version else None

    return until(look, f"{specialty} is answered by {version}", IN_FORCE_WITHIN_S)


def test_classifiers_of_several_kinds_serve_within_30_s_of_their_activation(
    admin: Person, person: Person, tmp_path: Path
) -> None:
    made = {
        specialty: classifier(specialty=specialty, version=BROUGHT, **kind)
        for specialty, kind in KINDS.items()
    }
    for specialty, model in made.items():
        assert bring(admin, model, tmp_path / specialty).status == "not_evaluable"
        before = model_of_next_image(person, specialty)["model"]
        assert before["version"] != BROUGHT, "a candidate does not answer"
        assert admin.client.models.activate(specialty, BROUGHT, REASON).production
    with ThreadPoolExecutor(max_workers=len(made)) as pool:
        waits = {name: pool.submit(wait_for_version, person, name, BROUGHT) for name in made}
        found = {name: wait.result() for name, wait in waits.items()}
    for specialty, finding in found.items():
        assert finding["demonstration"] is False
        assert finding["model"]["sha256"] == made[specialty].manifest["sha256"]
        labels = {entry["label"] for entry in finding["probabilities"]}
        assert labels == set(made[specialty].manifest["labels"])
    assert found["skin"]["features"] is None, "evidence is kept with the result, not shown in it"


def test_a_newer_version_takes_over_and_the_older_one_can_be_put_back(
    admin: Person, person: Person, tmp_path: Path
) -> None:
    made = classifier(specialty="brain", version=NEWER, seed=1)
    assert bring(admin, made, tmp_path).status == "not_evaluable"
    for version in (BROUGHT, NEWER, BROUGHT):
        assert admin.client.models.activate("brain", version, REASON).production
        wait_for_version(person, "brain", version)
    listed = {model.version: model.production for model in admin.client.models.all("brain")}
    assert listed == {BROUGHT: True, NEWER: False}


def with_external_data(made: OnnxClassifier) -> OnnxClassifier:
    proto = onnx.load_from_string(made.model)
    tensor = proto.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.ClearField("raw_data")
    return with_graph(made, proto)


def with_unknown_operator(made: OnnxClassifier) -> OnnxClassifier:
    proto = onnx.load_from_string(made.model)
    proto.graph.node[0].domain = "com.example.custom"
    proto.opset_import.append(helper.make_opsetid("com.example.custom", 1))
    return with_graph(made, proto)


BAD_MODELS: dict[str, Callable[[OnnxClassifier], OnnxClassifier]] = {
    "digest_mismatch": lambda made: edited(made, sha256="0" * 64),
    "external_data": with_external_data,
    "unknown_operator_domain": with_unknown_operator,
    "output_shape": lambda made: edited(made, labels=["nv", "mel", "bcc", "df"]),
    "input_shape": lambda made: edited(made, input__height=32, input__width=32),
    "not_onnx": lambda made: with_bytes(made, b"MZ this is a program"),
}


def with_bytes(made: OnnxClassifier, data: bytes) -> OnnxClassifier:
    manifest = {**made.manifest, "sha256": hashlib.sha256(data).hexdigest()}
    return OnnxClassifier(data, manifest, made.weights, made.bias)


@pytest.mark.parametrize("code", BAD_MODELS)
def test_a_model_that_cannot_serve_is_refused_with_the_reason(
    admin: Person, tmp_path: Path, code: str
) -> None:
    version = f"0.0.0-{code.replace('_', '-')}"
    made = BAD_MODELS[code](classifier(specialty="skin", version=version))
    answer = bring(admin, made, tmp_path)
    assert answer.status == "refused"
    assert [problem.code for problem in answer.problems] == [code]
    assert all(len(problem.message.split()) > 4 for problem in answer.problems)
    body = {"reason": REASON}
    assert admin.ask("POST", f"/v1/models/skin/{version}/activate", json=body).status_code == 404


def test_a_manifest_that_makes_no_sense_is_refused_before_any_upload(admin: Person, tmp_path: Path) -> None:
    made = edited(classifier(), labels=["only-one"])
    with pytest.raises(InvalidRequestError, match="labels"):
        bring(admin, made, tmp_path)


def test_who_is_no_admin_brings_and_activates_nothing_and_the_attempt_is_written_down(
    plain: Stack, person: Person
) -> None:
    body = {"manifest": classifier().manifest, "size_bytes": 100}
    asked = {
        "POST /v1/models": person.ask("POST", "/v1/models", json=body),
        "POST /v1/models/{specialty}/{version}/activate": person.ask(
            "POST", "/v1/models/skin/1.0.0/activate", json={"reason": REASON}
        ),
        "GET /v1/models": person.ask("GET", "/v1/models"),
    }
    assert {answer.status_code for answer in asked.values()} == {403}
    entries = audited(plain, person)
    denied = {entry["action"]: entry["subject"] for entry in entries if entry["outcome"] == "denied"}
    assert dict.fromkeys(asked, "-").items() <= denied.items()


def test_the_command_brings_a_model_and_breaks_the_glass_which_is_written_down(
    plain: Stack, admin: Person, person: Person, tmp_path: Path
) -> None:
    model, manifest = classifier(specialty="eye", labels=("a", "b"), version="by-command").write(tmp_path)
    assert plain.command(tmp_path, "sign-in", admin.username).returncode == 0
    brought = plain.command(tmp_path, "models", "import", model, manifest)
    assert brought.returncode == 0, brought.stderr
    activated = plain.command(tmp_path, "models", "activate", "eye", "by-command", "--reason", REASON)
    assert activated.returncode == 0, activated.stderr
    listed = plain.command(tmp_path, "models", "list", "--specialty", "eye", "--json").stdout.splitlines()
    assert [m["version"] for m in map(json.loads, listed) if m["production"]] == ["by-command"]
    wait_for_version(person, "eye", "by-command")
    written = [entry for entry in audited(plain, admin) if entry["subject"] == "eye/by-command"]
    assert {entry["action"]: entry.get("reason") for entry in written} == {
        "model.register": None,
        "model.activate": REASON,
    }
    assert admin.username not in str(written)


def audited(stack: Stack, actor: Person) -> list[dict[str, Any]]:
    """What the audit trail holds of a person."""
    answer = stack.aws("dynamodb").query(
        TableName=stack.outputs["AuditTable"],
        IndexName="gsi1",
        KeyConditionExpression="gsi1pk = :actor",
        ExpressionAttributeValues={":actor": {"S": f"ACTOR#{actor.ask('GET', '/v1/me').json()['id']}"}},
    )
    return [json.loads(item["body"]["S"]) for item in answer["Items"]]
