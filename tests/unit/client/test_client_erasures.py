"""Erasing patients with the client and its command, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.erasures import Outcome
from triagelens.domain.people import Role
from triagelens_client import ForbiddenError, NotFoundError, Triagelens
from triagelens_client.cli import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def fakes(served: TestClient) -> Fakes:
    made = Fakes()
    assert isinstance(served.app, FastAPI)
    made.stand_in(served.app)
    for name, role in (("greta", Role.GP), ("dora", Role.DOCTOR)):
        made.person(name, role)
    return made


@pytest.fixture
def client_of(served: TestClient, fakes: Fakes) -> Callable[[str], Triagelens]:
    def made(name: str) -> Triagelens:
        return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=Door(served))

    return made


@pytest.fixture
def run(client_of: Callable[[str], Triagelens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of dora's."""

    def run(*arguments: object, answer: str | None = None) -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of("dora"))
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["patients", *map(str, arguments)], env=environment, input=answer)

    return run


def ended(fakes: Fakes, erasure_id: str) -> None:
    """Does what erase_patient would do."""
    outcome = Outcome(
        at=START,
        images=2,
        cases=1,
        reports=0,
        kept_cases=("01other",),
        snapshots=("ab" * 16,),
        models=("skin/1.4.0",),
        account=True,
    )
    fakes.erasures.complete(erasure_id, outcome, sweep=False)


def test_a_doctor_erases_and_reads_the_receipt(client_of: Callable[[str], Triagelens], fakes: Fakes) -> None:
    greta, dora = client_of("greta"), client_of("dora")
    patient_id = greta.patients.create("Jane").patient_id
    with pytest.raises(ForbiddenError):
        greta.patients.erase(patient_id)
    begun = dora.patients.erase(patient_id)
    assert (begun.status, begun.images, begun.account_removed) == ("running", 0, None)
    assert [request.erasure_id for request, _ in fakes.erasure_queue.sent] == [begun.erasure_id]
    with pytest.raises(NotFoundError):
        greta.patients.get(patient_id)
    ended(fakes, begun.erasure_id)
    receipt = dora.patients.erase(patient_id)
    assert len(fakes.erasure_queue.sent) == 1  # it is done: there is nothing to take up again
    assert (receipt.status, receipt.images, receipt.models) == ("done", 2, ("skin/1.4.0",))
    assert dora.patients.erasure(begun.erasure_id) == receipt
    assert list(dora.patients.erasures()) == [receipt]


def test_a_record_that_changes_meanwhile_is_erased_all_the_same(
    client_of: Callable[[str], Triagelens], fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = client_of("greta").patients.create("Jane").patient_id
    begin, tries = fakes.erasures.begin, [0]

    def disturbed(begun: object, patient: object) -> None:
        tries[0] += 1
        stored = fakes.patients.records[patient_id]
        if tries[0] == 1:
            fakes.patients.records[patient_id] = stored.model_copy(update={"version": 7})
        begin(begun, patient)  # type: ignore[arg-type]  # handed through as they came

    monkeypatch.setattr(fakes.erasures, "begin", disturbed)
    assert client_of("dora").patients.erase(patient_id).status == "running"
    assert tries == [2]


def test_the_command_asks_before_it_erases(
    client_of: Callable[[str], Triagelens], run: Run, fakes: Fakes
) -> None:
    patient_id = client_of("greta").patients.create("Jane").patient_id
    refused = run("erase", patient_id, answer="n\n")
    assert (refused.exit_code, patient_id in fakes.patients.records) == (1, True)
    erased = run("erase", patient_id, answer="y\n")
    assert (erased.exit_code, "running" in erased.stdout) == (0, True)
    [erasure_id] = fakes.erasures.kept
    ended(fakes, erasure_id)
    told = json.loads(run("erasures", erasure_id, "--json").stdout)
    assert (told["status"], told["kept_cases"]) == ("done", ["01other"])
    listed = run("erasures").stdout
    for text in (erasure_id, "done", "skin/1.4.0", "ab" * 16):
        assert text in listed
    again = run("erase", patient_id, "--yes", "--json")
    assert json.loads(again.stdout)["erasure_id"] == erasure_id
    assert run("erase", "nobody", "--yes").exit_code == 1
