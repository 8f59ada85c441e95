"""What the demo prints, and whom it signs in."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo_person import signed_in
from infra.local.demo_report import Shown, print_report
from tests.unit.client.fake_api import API, FakeApi, analysed, problem, rejected
from triagelens_client import Image, Retry, Triagelens
from triagelens_client.files import Source
from triagelens_client.sessions import Sessions

KEYS = [
    "image_id",
    "specialty",
    "status",
    "top_label",
    "probability",
    "blur_score",
    "model",
    "model_version",
    "demonstration",
    "latency_s",
]


def printed(image: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, Any]]:
    """All that was printed before the last line, and the object in the last line."""
    print_report(
        Shown(
            Image.model_validate(image),
            Source(b"\xff\xd8\xff", "mole.jpg"),
            API,
            {"mel": "Melanoma"},
            upload_s=0.25,
            wait_s=1.5,
        )
    )
    *text, last, end = capsys.readouterr().out.split("\n")
    assert end == ""
    found = json.loads(last)
    assert list(found) == KEYS
    return "\n".join(text), found


def test_a_finding_is_shown_and_its_last_line_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    text, last = printed(analysed("image1", "skin"), capsys)
    assert "not for clinical use" in text
    assert "Melanoma" in text
    assert "90.0%" in text
    assert API in text
    assert "make down" in text
    assert last == {
        "image_id": "image1",
        "specialty": "skin",
        "status": "analyzed",
        "top_label": "mel",
        "probability": 0.9,
        "blur_score": 312.5,
        "model": "phantom-skin",
        "model_version": "1",
        "demonstration": True,
        "latency_s": 1.75,
    }


def test_what_is_to_be_made_of_a_finding_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    image = analysed("image1", "skin")
    image["prediction"] |= {"decision": "abstain", "reasons": ["out_of_distribution"]}
    text, _ = printed(image, capsys)
    assert "abstain (out of distribution)" in text


def test_a_rejection_shows_its_reason_and_has_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    text, last = printed(rejected("image1", "skin"), capsys)
    assert "Hold the camera still." in text
    assert last["status"] == "rejected"
    assert last["blur_score"] == 12.0
    missing = ("top_label", "probability", "model", "model_version", "demonstration")
    assert [last[key] for key in missing] == [None] * 5


def test_a_failure_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    failure = {"code": "no_model", "message": "Nobody registered a model."}
    image = {"image_id": "i", "specialty": "skin", "status": "failed", "failure": failure}
    text, last = printed(image, capsys)
    assert "Nobody registered a model. (no_model)" in text
    assert last["blur_score"] is None


@pytest.fixture
def client(api: FakeApi) -> Triagelens:
    return Triagelens(API, transport=api.transport(), retry=Retry(sleep=lambda _: None))


@pytest.fixture
def api() -> FakeApi:
    return FakeApi(accepts_any_password=True)


def test_the_demo_person_is_made_once_and_kept_from_other_eyes(
    client: Triagelens, api: FakeApi, tmp_path: Path
) -> None:
    first = signed_in(client, API, tmp_path / "demo")
    second = signed_in(client, API, tmp_path / "demo")
    assert first == second
    assert len(api.asked("POST /v1/auth/sign-up")) == 1
    kept = tmp_path / "demo" / "person.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len(json.loads(kept.read_text())["password"]) >= 20
    tokens = Sessions(tmp_path / "demo" / "session.json").tokens(API)
    assert tokens is not None, "the command can go on in the demo person's name"


def test_a_cloud_made_anew_gets_a_new_person(client: Triagelens, api: FakeApi, tmp_path: Path) -> None:
    first = signed_in(client, API, tmp_path)
    api.next_answers("POST /v1/auth/sign-in", problem(401, "sign_in_failed", "Unknown."))
    second = signed_in(client, API, tmp_path)
    assert first != second
    passwords = [json.loads(request.content)["password"] for request in api.asked("POST /v1/auth/sign-up")]
    assert len(set(passwords)) == 2
