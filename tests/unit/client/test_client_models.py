"""Bringing models, listing them, activating one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.fake_api import FakeApi
from triagelens_client import DeadlinePassedError, Triagelens, UnreadableFileError


@dataclass(frozen=True)
class Files:
    model: Path
    manifest: Path
    head: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "resnet.onnx", tmp_path / "manifest.json", tmp_path / "weights.npy")
    made.model.write_bytes(b"an onnx graph")
    made.manifest.write_text('{"specialty": "skin", "version": "2"}\n')
    made.head.write_bytes(b"numpy")
    return made


def model(version: str, **more: Any) -> dict[str, Any]:
    return {"specialty": "skin", "name": "resnet", "version": version, "status": "candidate", **more}


def test_the_manifest_is_uploaded_last_since_it_starts_the_checks(
    client: Triagelens, api: FakeApi, files: Files
) -> None:
    api.import_verdicts.append({"status": "awaiting_upload"})
    api.import_verdicts.append({"status": "candidate", "specialty": "skin", "version": "2"})
    result = client.models.import_model(files.model, files.manifest, files.head)

    assert (result.status, result.version) == ("candidate", "2")
    assert api.seen == [
        "POST /v1/models",
        "UPLOAD incoming/i1/model.onnx",
        "UPLOAD incoming/i1/head.npy",
        "UPLOAD incoming/i1/manifest.json",
        "GET /v1/models/imports/i1",
        "GET /v1/models/imports/i1",
    ]
    assert api.stored["incoming/i1/manifest.json"] == files.manifest.read_bytes(), "byte for byte"
    assert json.loads(api.requests[0].content) == {
        "manifest": {"specialty": "skin", "version": "2"},
        "size_bytes": len(b"an onnx graph"),
        "head_size_bytes": len(b"numpy"),
    }


def test_a_model_without_a_head_uploads_two_files(client: Triagelens, api: FakeApi, files: Files) -> None:
    api.import_verdicts.append({"status": "refused", "problems": [{"code": "bad_digest", "message": "No."}]})
    result = client.models.import_model(files.model, files.manifest)
    assert [problem.code for problem in result.problems] == ["bad_digest"]
    assert len(api.asked("UPLOAD .*")) == 2


@pytest.mark.parametrize(
    ("text", "complaint"), [("{not json", "is not JSON"), ("[]", "is not a model's manifest")]
)
def test_a_manifest_that_is_none_is_not_sent(
    client: Triagelens, api: FakeApi, files: Files, text: str, complaint: str
) -> None:
    files.manifest.write_text(text)
    with pytest.raises(UnreadableFileError, match=rf"manifest\.json {complaint}"):
        client.models.import_model(files.model, files.manifest)
    assert api.seen == []


def test_waiting_for_the_checks_has_a_deadline(client: Triagelens, api: FakeApi, files: Files) -> None:
    api.import_verdicts.extend([{"status": "awaiting_upload"}] * 9)
    with pytest.raises(DeadlinePassedError, match="Import i1 is still awaiting_upload"):
        client.models.import_model(files.model, files.manifest, within_s=0.5)


def test_models_are_listed_page_by_page(client: Triagelens, api: FakeApi) -> None:
    api.models = [model("1", production=True), model("2"), model("3", status="refused")]
    found = list(client.models.all("skin"))
    assert [(entry.version, entry.production, entry.status) for entry in found] == [
        ("1", True, "candidate"),
        ("2", False, "candidate"),
        ("3", False, "refused"),
    ]
    assert [request.url.params["specialty"] for request in api.asked("GET /v1/models")] == ["skin"] * 3


def test_activating_tells_the_reason(client: Triagelens, api: FakeApi) -> None:
    api.models = [model("2", production=True)]
    assert client.models.activate("skin", "2", "The old one fails in clinic 3").production
    (request,) = api.asked("POST /v1/models/skin/2/activate")
    assert json.loads(request.content) == {"reason": "The old one fails in clinic 3"}


def test_promotion_rollback_and_retirement_say_what_is_meant(client: Triagelens, api: FakeApi) -> None:
    api.models = [model("2", production=True)]
    assert client.models.promote("skin", "2", 0.25).production
    client.models.promote("skin", "2", reason="The gate had no verdict")
    client.models.rollback("skin", "2", "Fails on scans")
    client.models.retire("skin", "2")
    assert [json.loads(request.content) for request in api.asked("POST /v1/models/skin/2/.*")] == [
        {"share": 0.25},
        {"share": 1.0, "reason": "The gate had no verdict"},
        {"reason": "Fails on scans"},
        {},
    ]


def test_a_card_tells_what_the_gate_found(client: Triagelens, api: FakeApi) -> None:
    check = {"name": "sensitivity.mel", "value": 0.9, "bound": 0.85, "outcome": "passed", "message": "Good."}
    gate = {"verdict": "passed", "checks": [check], "evaluated_at": "2026-11-23T10:00:00Z"}
    api.models = [model("2", gate=gate, training={"code_version": "1"})]
    card = client.models.get("skin", "2")
    assert card.gate is not None
    assert (card.gate.verdict, card.gate.checks[0].outcome) == ("passed", "passed")
    assert card.training == {"code_version": "1"}


def test_a_replay_is_waited_for(client: Triagelens, api: FakeApi) -> None:
    told = {"replay_id": "r1", "specialty": "skin", "version": "2", "scored": 0, "missing": 0, "flipped": 0}
    flips = [{"old": "mel", "new": "nv", "count": 1, "image_ids": ["i1"]}]
    api.replays.extend(
        [
            {**told, "status": "queued"},
            {**told, "status": "running"},
            {**told, "status": "completed", "scored": 9, "flipped": 1, "flips": flips},
        ]
    )
    found = client.models.replay("skin", "2", limit=9)
    assert (found.scored, found.flips[0].old, found.flips[0].image_ids) == (9, "mel", ("i1",))
    assert api.seen[-1] == "GET /v1/models/skin/2/replays/r1"
