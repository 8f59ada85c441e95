"""The client's cases and their commands, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.people import Role
from triagelens_client import ForbiddenError, NotFoundError, OutdatedError, Triagelens
from triagelens_client.cli import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def fakes(served: TestClient) -> Fakes:
    made = Fakes()
    made.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
    made.person("greta", Role.GP)
    made.person("doris", Role.DOCTOR)
    return made


@pytest.fixture
def client_of(fakes: Fakes, served: TestClient) -> Callable[[str], Triagelens]:
    def made(name: str) -> Triagelens:
        return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=Door(served))

    return made


@pytest.fixture
def run(client_of: Callable[[str], Triagelens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of greta's, or of somebody else's."""

    def run(*arguments: object, name: str = "greta") -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of(name))
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["cases", *map(str, arguments)], env=environment)

    return run


def image(fakes: Fakes) -> str:
    """An image of greta's."""
    record = ImageRecord(
        image_id=new_id(),
        owner="sub-greta",
        specialty="skin",
        status=ImageStatus.ACCEPTED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=START,
        updated_at=START,
        correlation_id="correlation",
    )
    return fakes.casework.replace_image(record).image_id


def test_a_case_goes_its_way(fakes: Fakes, client_of: Callable[[str], Triagelens]) -> None:
    greta, doris = client_of("greta").cases, client_of("doris").cases
    photo = image(fakes)
    case = greta.create("skin", [photo], number=greta.take_number(), notes="Grows.")
    assert (case.number, case.status, case.version) == (10_000, "open", 1)
    amended = greta.amend(case, notes=None)
    assert amended.notes is None
    with pytest.raises(OutdatedError):
        doris.reject(case, "Too late")
    doubted = doris.uncertain(amended, "Blurred border")
    decided = doris.confirm(doubted, "Naevus")
    shown = greta.get(case.case_id)
    assert (shown.status, shown.final_diagnosis, shown.version) == ("confirmed", "Naevus", 4)
    assert [entry.image_id for entry in shown.images] == [photo]
    assert shown.decision is not None
    assert shown.decision.by == "sub-doris"
    assert decided.images == ()
    history = list(greta.history(case.case_id))
    assert [change.action for change in history] == [
        "case.confirm",
        "case.uncertain",
        "case.amend",
        "case.create",
    ]
    assert history[2].before == {"notes": "Grows."}


def test_numbers_go_back(client_of: Callable[[str], Triagelens]) -> None:
    greta = client_of("greta").cases
    number = greta.take_number()
    greta.release_number(number)
    assert greta.take_number() == number
    with pytest.raises(NotFoundError):
        client_of("doris").cases.release_number(number)


def test_cases_are_listed_page_by_page(fakes: Fakes, client_of: Callable[[str], Triagelens]) -> None:
    greta = client_of("greta").cases
    made = [greta.create("skin", [image(fakes)]) for _ in range(3)]
    greta.reject(made[1], "Blurred")
    expected = sorted((case.case_id for case in made), reverse=True)
    assert [case.case_id for case in greta.all(limit=2)] == expected
    assert [case.case_id for case in greta.all(status="rejected")] == [made[1].case_id]
    assert made[1].case_id not in {case.case_id for case in greta.all(include_rejected=False)}
    assert list(greta.all(specialty="eye")) == []


def test_comments_and_labels(fakes: Fakes, client_of: Callable[[str], Triagelens]) -> None:
    greta, doris = client_of("greta").cases, client_of("doris").cases
    case_id = greta.create("skin", [image(fakes)]).case_id
    said = greta.comment(case_id, "Look left")
    greta.edit_comment(case_id, said.comment_id, "Look right")
    assert [comment.text for comment in doris.comments(case_id)] == ["Look right"]
    doris.label(case_id, "nv")
    doris.label(case_id, "mel", "On second thoughts")
    assert [(label.correct_label, label.notes) for label in doris.labels(case_id)] == [
        ("mel", "On second thoughts")
    ]
    with pytest.raises(ForbiddenError):
        greta.label(case_id, "nv")


def test_the_command_makes_shows_and_decides(fakes: Fakes, run: Run) -> None:
    photo = image(fakes)
    made = run("new", "skin", photo, "--notes", "Grows [fast]")
    assert made.exit_code == 0, made.output
    assert "Case 10000 is open." in made.stderr
    case_id = made.stdout.strip()
    shown = run("show", case_id)
    assert "Grows [fast]" in shown.stdout
    assert photo in shown.stdout
    assert run("uncertain", case_id, "--reason", "Unclear").exit_code == 0
    late = run("reject", case_id, "--reason", "No", "--version", 1)
    assert (late.exit_code, late.stderr.startswith("Error: The case has changed")) == (1, True)
    confirmed = run("confirm", case_id, "--diagnosis", "Naevus", name="doris")
    assert confirmed.stderr == "Case 10000 is confirmed.\n"
    again = run("reject", case_id, "--reason", "No")
    assert (again.exit_code, "does not take 'reject'" in again.stderr) == (1, True)
    history = run("show", case_id, "--history").stdout
    assert history.index("case.confirm") < history.index("case.uncertain") < history.index("case.create")
    told = [json.loads(line) for line in run("show", case_id, "--history", "--json").stdout.splitlines()]
    assert [entry.get("action") for entry in told] == [
        None,
        "case.confirm",
        "case.uncertain",
        "case.create",
    ]


def test_the_command_lists_comments_and_labels(fakes: Fakes, run: Run) -> None:
    case_id = run("new", "skin", image(fakes)).stdout.strip()
    assert case_id in run("list").stdout
    listed: list[dict[str, Any]] = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [entry["case_id"] for entry in listed] == [case_id]
    assert case_id not in run("list", "--status", "rejected").stdout
    assert run("comment", case_id, "Look left").exit_code == 0
    assert "Look left" in run("comment", case_id, name="doris").stdout
    assert run("label", case_id, "nv", name="doris").stderr == "Labelled nv.\n"
    refused = run("label", case_id, "cataract", name="doris")
    assert (refused.exit_code, "labels of skin" in refused.stderr) == (1, True)
