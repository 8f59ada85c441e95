"""The client's exports and their commands, against the application itself over fakes."""

import stat
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from clinic_api.deps import exports
from tests.fake_exports import FakeExportFiles, FakeExportQueue, FakeExportRecords
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.exports import ExportFailure, ExportFile
from triagelens.domain.people import Role
from triagelens_client import ForbiddenError, NoFileError, Retry, Triagelens, UnreadableFileError
from triagelens_client.cli import app
from triagelens_client.errors import UploadRefusedError

CONTENT = b"image_id,status\r\n" * 100_000
Command = Callable[..., Result]


class Storage(httpx.BaseTransport):
    """The application, and behind its links the files. `broken` connections end after the first bytes."""

    def __init__(self, door: Door, files: FakeExportFiles) -> None:
        self.door, self.files, self.broken = door, files, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "documents.example":
            return self.door.handle_request(request)
        stored = self.files.stored.get((request.url.path.lstrip("/"), request.url.params["v"]))
        if stored is None:
            return httpx.Response(404, content=b"<Code>NoSuchKey</Code>")
        return httpx.Response(200, content=self._bytes(stored))

    def _bytes(self, stored: bytes) -> Iterator[bytes]:
        yield stored[:10]
        if self.broken:
            self.broken -= 1
            raise httpx.ReadError("the connection is gone")
        yield stored[10:]


class Office:
    def __init__(self, client: TestClient) -> None:
        assert isinstance(client.app, FastAPI)
        self.fakes = Fakes()
        self.fakes.stand_in(client.app)
        self.records, self.queue, self.files = FakeExportRecords(), FakeExportQueue(), FakeExportFiles()
        client.app.dependency_overrides |= {
            exports.export_records: lambda: self.records,
            exports.export_queue: lambda: self.queue,
            exports.export_files: lambda: self.files,
        }
        self.fakes.person("rita", Role.RESEARCHER)
        self.storage = Storage(Door(client), self.files)

    def client(self) -> Triagelens:
        retry = Retry(sleep=self._make, draw=lambda: 0.0)
        return Triagelens(
            API, token_provider=lambda refused=None: "sub-rita", transport=self.storage, retry=retry
        )

    def _make(self, _seconds: float) -> None:
        """What export_records does while the client waits."""
        for request in self.queue.sent:
            export = self.records.export(request.export_id)
            if export.is_open:
                version = self.files.write(export.key, BytesIO(CONTENT), "text/csv")
                file = ExportFile(
                    key=export.key, object_version=version, size_bytes=len(CONTENT), rows=100_000
                )
                self.records.replace_export(export.ready(file, self.fakes.clock()))


@pytest.fixture
def office() -> Iterator[Office]:
    with TestClient(create_app()) as client:
        yield Office(client)


@pytest.fixture
def command(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: office.client())
    environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
    return lambda *words: CliRunner().invoke(app, ["exports", *words], env=environment)


def test_an_export_is_asked_for_waited_for_and_fetched(office: Office, tmp_path: Path) -> None:
    client = office.client()
    asked = client.exports.request("images", specialty="skin", since=date(2026, 10, 1))
    assert (asked.status, asked.first, asked.filename) == ("queued", date(2026, 10, 1), "images.csv")
    ready = client.exports.wait(asked.export_id)
    path = tmp_path / "skin.csv"
    client.exports.download(ready, path)
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [export.export_id for export in client.exports.all()] == [asked.export_id]


def test_a_lost_connection_is_taken_up_again_and_leaves_no_half_file(office: Office, tmp_path: Path) -> None:
    client = office.client()
    ready = client.exports.wait(client.exports.request("cases").export_id)
    office.storage.broken = 1
    client.exports.download(ready, tmp_path / "cases.csv")
    assert (tmp_path / "cases.csv").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["cases.csv"]


def test_what_cannot_be_fetched_or_written_is_said_and_leaves_nothing(office: Office, tmp_path: Path) -> None:
    client = office.client()
    asked = client.exports.request("cases")
    with pytest.raises(NoFileError, match="queued"):
        client.exports.download(asked, tmp_path / "x")
    ready = client.exports.wait(asked.export_id)
    with pytest.raises(UnreadableFileError):
        client.exports.download(ready, tmp_path / "no" / "such" / "folder")
    office.files.stored.clear()
    with pytest.raises(UploadRefusedError):
        client.exports.download(ready, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ForbiddenError):
        client.exports.request("cases", include_people=True)


def test_the_commands_ask_list_show_and_fetch(office: Office, command: Command, tmp_path: Path) -> None:
    asked = command("request", "images", "--format", "csv", "--from", "2026-10-01", "--wait")
    assert asked.exit_code == 0, asked.output
    export_id = asked.stdout.split()[0]
    listed = command("list")
    assert export_id in listed.stdout
    assert "100000" in listed.stdout
    assert '"from":"2026-10-01"' in command("list", "--json").stdout
    assert '"url"' in command("show", export_id).stdout
    fetched = command("download", export_id, "--output", str(tmp_path))
    assert fetched.exit_code == 0, fetched.output
    [path] = tmp_path.glob("*.csv")
    assert fetched.stdout.replace("\n", "") == str(path)
    assert (path.name, path.read_bytes()) == (f"{export_id}-images.csv", CONTENT)
    assert len(office.queue.sent) == 1


def test_an_export_that_failed_is_told_with_its_reason(office: Office, command: Command) -> None:
    export_id = command("request", "images").stdout.strip()
    failure = ExportFailure(code="too_long", message="It took too long.", retryable=False)
    export = office.records.export(export_id)
    office.records.replace_export(export.failed(failure, office.fakes.clock()))
    done = command("download", export_id)
    assert done.exit_code == 1
    assert "It took too long." in done.output


def test_a_mistake_of_the_caller_is_one_line(command: Command) -> None:
    done = command("request", "images", "--format", "coco")
    assert done.exit_code == 1
    assert "needs a specialty" in done.output
