"""The client's reports and their commands, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API, parts
from triagelens.domain.people import Role
from triagelens.domain.reports import failure
from triagelens_client import ForbiddenError, NotFoundError, Retry, Triagelens, UnexpectedAnswerError
from triagelens_client.cli import app

Run = Callable[..., Result]
JPEG = b"\xff\xd8\xff\xe0"
PDF = b"%PDF-1.7 a report"


class Desk(httpx.BaseTransport):
    """The application, and behind its links a file. What is sent to its forms is kept, unless `loses` it."""

    def __init__(self, served: TestClient) -> None:
        self._door = Door(served)
        self.file = PDF
        self.kept: dict[str, bytes] = {}
        self.loses = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "documents.example" and request.method == "POST":
            request.read()
            form = dict(parts(request))
            if not self.loses:
                self.kept[form["key"].decode()] = form["file"]
            return httpx.Response(204)
        if request.url.host == "documents.example":
            return httpx.Response(200, content=self.file)
        return self._door.handle_request(request)


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def fakes(served: TestClient) -> Fakes:
    made = Fakes()
    made.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
    people = (("greta", Role.GP), ("gert", Role.GP), ("ada", Role.PATIENT), ("root", Role.ADMIN))
    for name, role in people:
        made.person(name, role)
    return made


@pytest.fixture
def desk(served: TestClient, fakes: Fakes) -> Desk:
    made = Desk(served)
    fakes.report_files.objects = made.kept
    return made


@pytest.fixture
def client_of(fakes: Fakes, desk: Desk) -> Callable[[str], Triagelens]:
    def finished(_seconds: float) -> None:
        for report in list(fakes.reports.records.values()):
            if not report.is_done:
                fakes.reports.make(report.report_id, PDF, fakes.clock)

    def made(name: str) -> Triagelens:
        retry = Retry(sleep=finished)
        return Triagelens(API, token_provider=lambda refused=None: f"sub-{name}", transport=desk, retry=retry)

    return made


@pytest.fixture
def run(client_of: Callable[[str], Triagelens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of greta's, or of somebody else's."""

    def run(*arguments: object, name: str = "greta") -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: client_of(name))
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["reports", *map(str, arguments)], env=environment)

    return run


def case_of(client: Triagelens) -> str:
    photo = client.create_image(JPEG, "skin").image_id
    return client.cases.create("skin", [photo]).case_id


def test_a_report_is_asked_for_awaited_and_fetched(
    client_of: Callable[[str], Triagelens], desk: Desk
) -> None:
    greta = client_of("greta")
    case_id, patient_id = case_of(greta), greta.patients.create("Jane").patient_id
    asked = greta.reports.request(case_id=case_id)
    assert (asked.status, asked.audience, asked.download) == ("queued", "clinic", None)
    with pytest.raises(UnexpectedAnswerError, match="queued"):
        greta.reports.download(asked.report_id)
    seen: list[str] = []
    report = greta.reports.wait(asked.report_id, on_status=seen.append)
    assert seen == ["queued", "ready"]
    assert (report.number, report.size_bytes) == (1, len(PDF))
    assert greta.reports.download(asked.report_id) == PDF
    desk.file = b"something else"
    with pytest.raises(UnexpectedAnswerError, match="digest"):
        greta.reports.download(asked.report_id)
    other = greta.reports.request(patient_id=patient_id, audience="patient")
    assert [one.report_id for one in greta.reports.all(limit=1)] == [other.report_id, asked.report_id]
    assert [one.report_id for one in greta.reports.of(case_id=case_id)] == [asked.report_id]
    assert [one.report_id for one in greta.reports.of(patient_id=patient_id)] == [other.report_id]
    with pytest.raises(NotFoundError):
        client_of("gert").reports.get(asked.report_id)
    with pytest.raises(ForbiddenError):
        client_of("ada").reports.request(case_id=case_id)
    with pytest.raises(ValueError, match="not both"):
        greta.reports.request()


def test_the_command_asks_lists_shows_and_saves(
    client_of: Callable[[str], Triagelens], run: Run, tmp_path: Path
) -> None:
    case_id, file = case_of(client_of("greta")), tmp_path / "case.pdf"
    saved = run("request", "--case", case_id, "-o", file)
    assert (saved.exit_code, file.read_bytes()) == (0, PDF), saved.output
    report_id = saved.stdout.strip()
    later = run("request", "--case", case_id, "--for-patient")
    assert later.exit_code == 0
    assert [line.split()[0] for line in run("list", "--json").stdout.splitlines()] != []
    listed = [json.loads(line) for line in run("list", "--case", case_id, "--json").stdout.splitlines()]
    assert [(one["report_id"], one["audience"]) for one in listed] == [
        (later.stdout.strip(), "patient"),
        (report_id, "clinic"),
    ]
    assert report_id in run("list").stdout
    assert "ready" in run("show", report_id).stdout
    assert json.loads(run("show", report_id, "--json").stdout)["number"] == 1
    other = tmp_path / "other.pdf"
    assert run("download", report_id, "-o", other).exit_code == 0
    assert other.read_bytes() == PDF
    assert run("request").exit_code == 2
    assert run("list", "--case", case_id, "--patient", case_id).exit_code == 2


def test_a_report_that_failed_says_why(
    client_of: Callable[[str], Triagelens], run: Run, fakes: Fakes, tmp_path: Path
) -> None:
    report_id = run("request", "--case", case_of(client_of("greta"))).stdout.strip()
    cause = failure("processing_error", "The report could not be made.", retryable=True)
    fakes.reports.replace_report(fakes.reports.report(report_id).failed(cause, fakes.clock()))
    file = tmp_path / "case.pdf"
    refused = run("download", report_id, "-o", file, "--wait")
    assert (refused.exit_code, refused.stderr) == (1, "Error: The report could not be made.\n")
    assert not file.exists()
    assert "could not be made" in run("show", report_id).stdout


def former(client: Triagelens, patient_id: str, source: bytes | Path = PDF) -> str:
    return client.reports.take_over(
        patient_id,
        source,
        system="braintumor",
        reference="[bold]R1",
        made_at=datetime(2025, 3, 7, 14, 2, tzinfo=UTC),
        counts={"scan_count": 7, "tumor_count": 3},
    ).report_id


def test_a_former_report_is_sent_once_and_is_then_one_like_any_other(
    client_of: Callable[[str], Triagelens], desk: Desk, run: Run, tmp_path: Path
) -> None:
    root = client_of("root")
    patient_id, file = root.patients.create("Jane").patient_id, tmp_path / "old.pdf"
    file.write_bytes(PDF)
    report_id = former(root, patient_id, file)
    assert list(desk.kept.values()) == [PDF]
    desk.kept.clear()
    assert former(root, patient_id) == report_id
    assert desk.kept == {}, "it was sent again"
    report = root.reports.get(report_id)
    assert report.former is not None
    assert (report.status, report.number, report.pages, report.images) == ("ready", None, None, None)
    assert report.former.counts == {"scan_count": 7, "tumor_count": 3}
    assert report.created_at == datetime(2025, 3, 7, 14, 2, tzinfo=UTC)
    assert root.reports.download(report_id) == PDF
    assert "braintumor" in run("list", "--patient", patient_id, name="root").stdout
    shown = run("show", report_id, name="root").stdout
    assert "braintumor: [bold]R1" in shown
    assert "scan_count 7, tumor_count 3" in shown
    saved = run("download", report_id, "-o", tmp_path / "copy.pdf", name="root")
    assert saved.stderr.startswith("It is in ")


def test_a_file_that_does_not_arrive_is_no_report(
    client_of: Callable[[str], Triagelens], desk: Desk, fakes: Fakes
) -> None:
    root = client_of("root")
    desk.loses = True
    with pytest.raises(UnexpectedAnswerError, match="does not find it"):
        former(root, root.patients.create("Jane").patient_id)
    assert fakes.reports.records == {}


def test_only_admins_take_reports_over(client_of: Callable[[str], Triagelens]) -> None:
    greta = client_of("greta")
    with pytest.raises(ForbiddenError):
        former(greta, greta.patients.create("Jane").patient_id)
