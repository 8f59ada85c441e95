"""The command `triagelens`, as a person or a script sees it."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.unit.client.fake_api import API, RIGHT, FakeApi, analysed, problem, rejected
from triagelens_client import Retry, Triagelens
from triagelens_client.cli import app

Photo = Callable[[str], Path]
Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def run(api: FakeApi, retry: Retry, config: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command against the fake API."""

    def connected(*args: Any, **kwargs: Any) -> Triagelens:
        return Triagelens(*args, **{**kwargs, "transport": api.transport(), "retry": retry})

    monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", connected)
    monkeypatch.setenv("COLUMNS", "200")
    environment = {"TRIAGELENS_CONFIG_DIR": str(config), "TRIAGELENS_API_URL": None}

    def run(*arguments: object, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment, **options)

    return run


@pytest.fixture
def signed_in(run: Run) -> Run:
    result = run("--api", API, "sign-in", "demo", "--password", RIGHT)
    assert result.exit_code == 0, result.output
    return run


def test_signing_in_keeps_tokens_where_nobody_else_can_read_them(signed_in: Run, config: Path) -> None:
    session = config / "session.json"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert [path.name for path in config.iterdir()] == ["session.json"]
    result = signed_in("whoami")
    assert result.exit_code == 0
    assert result.stdout == f"demo (patient) at {API}\n", "the address is remembered"


def test_the_password_is_asked_for_and_never_shown(run: Run) -> None:
    result = run("--api", API, "sign-in", "demo", input=f"{RIGHT}\n")
    assert result.exit_code == 0
    assert RIGHT not in result.output


def test_a_refused_sign_in_ends_in_one_line(run: Run) -> None:
    result = run("--api", API, "sign-in", "demo", "--password", "wrong")
    assert result.exit_code == 1
    assert result.stderr == "Error: Wrong username or password.\n"


def test_a_second_factor_is_asked_for(run: Run, api: FakeApi) -> None:
    needed = problem(409, "challenge_required", "A code is needed.", challenge="SOFTWARE_TOKEN_MFA")
    api.next_answers("POST /v1/auth/sign-in", needed)
    assert run("--api", API, "sign-in", "demo", "--password", RIGHT, input="424242\n").exit_code == 0
    assert json.loads(api.requests[-1].content)["code"] == "424242"


def test_an_invitation_gets_a_new_password(run: Run, api: FakeApi) -> None:
    needed = problem(409, "challenge_required", "Choose one.", challenge="NEW_PASSWORD_REQUIRED")
    api.next_answers("POST /v1/auth/sign-in", needed)
    result = run("--api", API, "sign-in", "demo", "--password", RIGHT, input="fresh one\nfresh one\n")
    assert result.exit_code == 0
    assert json.loads(api.requests[-1].content)["new_password"] == "fresh one"


def test_signing_up_and_confirming(run: Run, api: FakeApi) -> None:
    result = run("--api", API, "sign-up", "ada", "--password", RIGHT, "--email", "ada@example.org")
    assert result.exit_code == 0
    assert "A code is on its way." in result.stderr
    assert json.loads(api.requests[0].content) == {
        "username": "ada",
        "password": RIGHT,
        "email": "ada@example.org",
    }
    assert run("confirm", "ada", "123456").exit_code == 0
    assert json.loads(api.requests[1].content) == {"username": "ada", "code": "123456"}


def test_tokens_of_one_api_are_not_sent_to_another(signed_in: Run, api: FakeApi) -> None:
    before = len(api.requests)
    result = signed_in("--api", "https://other.example.org", "whoami")
    assert result.exit_code == 1
    assert "Sign in first" in result.stderr
    assert len(api.requests) == before


def test_after_signing_out_nothing_is_left(signed_in: Run, config: Path) -> None:
    assert signed_in("sign-out").exit_code == 0
    assert "access-" not in (config / "session.json").read_text()
    assert signed_in("whoami").exit_code == 1


def test_a_renewed_token_is_kept(signed_in: Run, api: FakeApi, config: Path) -> None:
    api.good_tokens = set()
    assert signed_in("whoami").exit_code == 0
    assert "access-2" in (config / "session.json").read_text()


def test_without_an_address_it_says_how_to_give_one(run: Run) -> None:
    result = run("whoami")
    assert result.exit_code == 1
    assert "TRIAGELENS_API_URL" in result.stderr


def test_a_broken_session_file_is_named(run: Run, config: Path) -> None:
    config.mkdir()
    (config / "session.json").write_text("{")
    result = run("whoami")
    assert result.exit_code == 1
    assert "session.json cannot be read" in result.stderr


def test_predict_shows_a_line_for_each_image(signed_in: Run, photo: Photo) -> None:
    result = signed_in("predict", photo("a.jpg"), photo("b.jpg"), "--specialty", "skin")
    assert result.exit_code == 0
    assert result.stdout.count("mel 90.0%") == 2
    assert result.stdout.count("phantom-skin 1 *") == 2
    assert "* demonstration model, not for clinical use" in result.stdout
    assert result.stdout.index("a.jpg") < result.stdout.index("b.jpg")


def test_predict_gives_scripts_a_json_line_for_each_image_and_nothing_else(
    signed_in: Run, photo: Photo
) -> None:
    files = [photo(f"{number}.jpg") for number in range(5)]
    result = signed_in("predict", *files, "-s", "skin", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert sorted(line["file"] for line in lines) == [str(file) for file in files]
    assert {line["prediction"]["top_label"] for line in lines} == {"mel"}
    assert {line["status"] for line in lines} == {"analyzed"}


def test_predict_keeps_so_many_images_under_way_and_no_more(
    signed_in: Run, api: FakeApi, photo: Photo
) -> None:
    api.polls_until_done = 2
    files = [photo(f"{number}.jpg") for number in range(12)]
    assert signed_in("predict", *files, "-s", "skin", "--json", "--jobs", "3").exit_code == 0
    assert len(api.images) == 12
    assert 1 <= api.most_at_once <= 3


def test_a_rejected_image_got_its_verdict(signed_in: Run, api: FakeApi, photo: Photo) -> None:
    api.outcome = rejected
    result = signed_in("predict", photo("shaky.jpg"), "-s", "skin")
    assert result.exit_code == 0
    assert "rejected: Hold the camera still." in result.stdout


def test_one_bad_file_does_not_stop_the_others(signed_in: Run, photo: Photo, tmp_path: Path) -> None:
    missing = tmp_path / "missing.jpg"
    result = signed_in("predict", missing, photo("good.jpg"), "-s", "skin", "--json")
    lines = {Path(line["file"]).name: line for line in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 1
    assert lines["good.jpg"]["status"] == "analyzed"
    assert lines["missing.jpg"]["error"]["code"] == "unreadable_file"
    assert str(missing) in result.stderr


def test_an_analysis_that_failed_is_no_verdict(signed_in: Run, api: FakeApi, photo: Photo) -> None:
    def failed(image_id: str, specialty: str) -> dict[str, Any]:
        failure = {"code": "no_model", "message": "Nobody registered a model.", "retryable": False}
        return {"image_id": image_id, "specialty": specialty, "status": "failed", "failure": failure}

    api.outcome = failed
    result = signed_in("predict", photo("a.jpg"), "-s", "skin")
    assert result.exit_code == 1
    assert "failed: Nobody registered a model." in result.stdout


def test_an_unknown_specialty_is_told_for_the_file(signed_in: Run, api: FakeApi, photo: Photo) -> None:
    refusal = problem(422, "unknown_specialty", "There is no specialty 'liver'; known are brain, eye.")
    api.next_answers("POST /v1/images", refusal)
    result = signed_in("predict", photo("a.jpg"), "-s", "liver")
    assert result.exit_code == 1
    assert "known are brain, eye" in result.stderr


def test_predict_without_a_sign_in_says_so_once(run: Run, photo: Photo) -> None:
    result = run("--api", API, "predict", photo("a.jpg"), photo("b.jpg"), "-s", "skin")
    assert result.exit_code == 1
    assert result.stderr.count("Sign in first") == 1


def test_file_names_are_never_read_as_markup(signed_in: Run, photo: Photo) -> None:
    result = signed_in("predict", photo("[red]a.jpg"), "-s", "skin")
    assert result.exit_code == 0
    assert "[red]a.jpg" in result.stdout


def test_images_are_listed_shown_and_saved(
    signed_in: Run, api: FakeApi, photo: Photo, tmp_path: Path
) -> None:
    signed_in("predict", photo("a.jpg"), photo("b.jpg"), photo("c.jpg"), "-s", "skin")
    listed = signed_in("images", "list", "--json")
    ids = [json.loads(line)["image_id"] for line in listed.stdout.splitlines()]
    assert ids == list(reversed(api.images))
    assert signed_in("images", "list", "--limit", "1").stdout.count("mel 90.0%") == 1

    shown = signed_in("images", "show", ids[0])
    assert "nv" in shown.stdout
    assert "10.0%" in shown.stdout
    assert "not for clinical use" in shown.stdout
    assert json.loads(signed_in("images", "show", ids[0], "--json").stdout)["image_id"] == ids[0]

    link = signed_in("images", "content", ids[0])
    assert link.stdout.startswith("https://uploads.example.org/working/")
    saved = tmp_path / "saved.jpg"
    assert signed_in("images", "content", ids[0], "--to", saved).exit_code == 0
    assert saved.read_bytes().startswith(b"\xff\xd8\xff")


def test_the_evidence_for_a_label_is_saved_as_two_pictures(signed_in: Run, tmp_path: Path) -> None:
    done = signed_in("images", "explain", "image1", "--label", "nv", "--to", tmp_path / "why")
    assert done.exit_code == 0, done.stderr
    files = [tmp_path / "why" / f"image1-nv-{name}" for name in ("heatmap.png", "overlay.jpg")]
    assert done.stdout.split() == [str(file) for file in files]
    assert all(file.read_bytes() for file in files)
    assert "evidence for nv by grad_cam: 62% in the middle" in done.stderr


def test_somebody_elses_image_is_not_there(signed_in: Run) -> None:
    result = signed_in("images", "show", "image77")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no such image.\n"


@pytest.fixture
def model_files(tmp_path: Path) -> tuple[Path, Path]:
    model, manifest = tmp_path / "model.onnx", tmp_path / "manifest.json"
    model.write_bytes(b"onnx")
    manifest.write_text("{}")
    return model, manifest


def test_an_imported_model_is_a_candidate(
    signed_in: Run, api: FakeApi, model_files: tuple[Path, Path]
) -> None:
    api.import_verdicts.append({"status": "candidate", "specialty": "skin", "version": "7"})
    result = signed_in("models", "import", *model_files)
    assert result.exit_code == 0
    assert "triagelens models activate skin 7" in result.stderr


def test_a_model_without_a_verdict_is_registered_and_says_why(
    signed_in: Run, api: FakeApi, model_files: tuple[Path, Path]
) -> None:
    told = {"code": "not_evaluable", "message": "The holdout has too few images: mel 3."}
    verdict = {"status": "not_evaluable", "specialty": "skin", "version": "7", "problems": [told]}
    api.import_verdicts.append(verdict)
    result = signed_in("models", "import", *model_files)
    assert result.exit_code == 0
    assert "too few images: mel 3" in result.stderr
    assert "triagelens models activate skin 7 --reason" in result.stderr


def test_models_are_promoted_rolled_back_shown_and_replayed(signed_in: Run, api: FakeApi) -> None:
    gate = {"verdict": "refused", "reasons": ["Too slow."], "evaluated_at": "2026-11-23T10:00:00Z"}
    api.models = [
        {"specialty": "skin", "name": "resnet", "version": "7", "status": "candidate", "gate": gate}
    ]
    assert "Too slow." in signed_in("models", "show", "skin", "7").stdout
    assert "10% of the images" in signed_in("models", "promote", "skin", "7", "--share", "0.1").stderr
    assert signed_in("models", "promote", "skin", "7", "--share", "2").exit_code == 2
    assert signed_in("models", "rollback", "skin", "7").exit_code == 0
    assert "retired" in signed_in("models", "retire", "skin", "7").stderr
    told = {"replay_id": "r1", "specialty": "skin", "version": "7", "missing": 0}
    flips = [{"old": "mel", "new": "nv", "count": 2, "image_ids": ["i1", "i2"]}]
    done = {**told, "status": "completed", "scored": 9, "flipped": 2, "flips": flips}
    api.replays.extend([{**told, "status": "queued", "scored": 0, "flipped": 0}, done])
    replayed = signed_in("models", "replay", "skin", "7")
    assert "mel" in replayed.stdout
    assert "2 of 9 images" in replayed.stderr


def test_a_refused_model_ends_with_its_reasons(
    signed_in: Run, api: FakeApi, model_files: tuple[Path, Path]
) -> None:
    problems = [
        {"code": "bad_digest", "message": "The model is not the one that the manifest names."},
        {"code": "label_count", "message": "7 labels, but 4 outputs."},
    ]
    api.import_verdicts.append({"status": "refused", "problems": problems})
    result = signed_in("models", "import", *model_files)
    assert result.exit_code == 1
    assert "not the one that the manifest names. (bad_digest)" in result.stderr
    assert "7 labels, but 4 outputs. (label_count)" in result.stderr


def test_models_are_listed_and_activated(signed_in: Run, api: FakeApi) -> None:
    api.models = [
        {"specialty": "skin", "name": "resnet", "version": "7", "status": "candidate", "production": True}
    ]
    listed = signed_in("models", "list")
    assert "production" in listed.stdout
    assert json.loads(signed_in("models", "list", "--json").stdout)["version"] == "7"
    assert signed_in("models", "activate", "skin", "7", "--reason", "tried on 2000 images").exit_code == 0
    assert signed_in("models", "activate", "skin", "7").exit_code == 2, "no reason, no activation"


def test_an_unreachable_api_is_named(run: Run, api: FakeApi) -> None:
    api.next_answers("POST /v1/auth/sign-in", httpx.ConnectError("connection refused"))
    result = run("--api", API, "sign-in", "demo", "--password", RIGHT)
    assert result.exit_code == 1
    assert "No answer from https://api.example.org" in result.stderr


def test_an_unencrypted_address_is_refused(run: Run) -> None:
    result = run("--api", "http://api.example.org", "whoami")
    assert result.exit_code == 1
    assert "not encrypted" in result.stderr


def test_the_fake_analysis_is_a_demonstration() -> None:
    assert analysed("i", "skin")["prediction"]["demonstration"] is True
