"""The client's patients and their commands, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.people import Role
from triagelens_client import ConflictError, ForbiddenError, NotFoundError, OutdatedError, Triagelens
from triagelens_client.cli import app

Run = Callable[..., Result]
JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def client_of(served: TestClient) -> Callable[[str], Triagelens]:
    fakes = Fakes()
    fakes.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
    fakes.person("greta", Role.GP)
    fakes.person("gert", Role.GP)

    def made(name: str) -> Triagelens:
        return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=Door(served))

    return made


@pytest.fixture
def run(client_of: Callable[[str], Triagelens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of greta's, or of somebody else's."""

    def run(*arguments: object, name: str = "greta") -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of(name))
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["patients", *map(str, arguments)], env=environment)

    return run


def test_a_patient_is_made_invited_changed_and_found(client_of: Callable[[str], Triagelens]) -> None:
    greta = client_of("greta")
    born = date(1985, 12, 10)
    made = greta.patients.create("Jane", email="jane@example.org", birth_date=born, invite=True)
    assert (made.birth_date, made.age, made.version) == (born, 40, 2)
    assert made.username is not None
    with pytest.raises(ConflictError):
        greta.patients.create("Jane", email="jane@example.org", birth_date=born, invite=True)
    changed = greta.patients.amend(made, phone="12345", birth_date=None)
    assert (changed.phone, changed.age) == ("12345", None)
    with pytest.raises(OutdatedError):
        greta.patients.amend(made, phone=None)
    others = [greta.patients.create("X", number=str(n)).patient_id for n in range(2)]
    everybody = sorted([made.patient_id, *others], reverse=True)
    assert [patient.patient_id for patient in greta.patients.all(limit=2)] == everybody
    jane = client_of(made.username)
    assert jane.me().patient_id == made.patient_id
    assert jane.patients.get(made.patient_id) == changed
    with pytest.raises(ForbiddenError):
        jane.patients.create("X")
    with pytest.raises(NotFoundError):
        client_of("gert").patients.get(made.patient_id)


def test_images_and_cases_of_a_patient_are_listed(client_of: Callable[[str], Triagelens]) -> None:
    greta = client_of("greta")
    patient_id = greta.patients.create("Jane").patient_id
    photo = greta.create_image(JPEG, "skin", patient_id=patient_id).image_id
    other = greta.create_image(JPEG, "skin").image_id
    case_id = greta.cases.create("skin", [photo], patient_id=patient_id).case_id
    greta.cases.create("skin", [other])
    assert [image.image_id for image in greta.patients.images(patient_id)] == [photo]
    assert [case.case_id for case in greta.patients.cases(patient_id)] == [case_id]
    with pytest.raises(NotFoundError):
        client_of("gert").create_image(JPEG, "skin", patient_id=patient_id)


def test_the_command_makes_shows_lists_and_changes(client_of: Callable[[str], Triagelens], run: Run) -> None:
    made = run("new", "Jane [Roe]", "--age", 40, "--email", "jane@example.org", "--number", "K7", "--invite")
    assert made.exit_code == 0, made.output
    patient_id = made.stdout.strip()
    assert made.stderr.startswith("Patient K7 is there, invited as patient-")
    greta = client_of("greta")
    photo = greta.create_image(JPEG, "skin", patient_id=patient_id).image_id
    case = greta.cases.create("skin", [photo], patient_id=patient_id)
    edited = run("edit", patient_id, "--phone", "12345", "--clear", "age", "--version", 2)
    assert (edited.exit_code, edited.stderr) == (0, "Patient K7 is changed.\n")
    late = run("edit", patient_id, "--name", "X", "--version", 2)
    assert (late.exit_code, late.stderr.startswith("Error: The patient's record has changed")) == (1, True)
    assert run("edit", patient_id).exit_code == 1
    shown = run("show", patient_id).stdout
    for text in ("Jane [Roe]", "12345", photo, f"Case {case.number}"):
        assert text in shown
    assert "Age" not in shown
    told = [json.loads(line) for line in run("show", patient_id, "--json").stdout.splitlines()]
    assert [entry.get("image_id") or entry["patient_id"] for entry in told][:2] == [patient_id, photo]
    assert "Jane [Roe]" in run("list").stdout
    [listed] = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert listed["patient_id"] == patient_id
    hidden = run("show", patient_id, name="gert")
    assert (hidden.exit_code, "no such patient" in hidden.stderr) == (1, True)
