"""The client's datasets and their commands, against the application itself and a storage in memory."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from clinic_api.deps import datasets as deps
from tests.fake_datasets import FakeDatasetRecords, FakeDatasetUploads
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API, parts
from triagelens.domain.datasets import Ingested
from triagelens.domain.people import Role
from triagelens_client import (
    ConflictError,
    DeadlinePassedError,
    ForbiddenError,
    Retry,
    Triagelens,
    UnreadableFileError,
    UploadRefusedError,
)
from triagelens_client import datasets as client_datasets
from triagelens_client.cli import app
from triagelens_client.dataset_models import Dataset

Run = Callable[..., Result]
PART = 1000


class Network(Door):
    """The application, and beside it a storage that takes forms, parts and links."""

    def __init__(self, client: TestClient, uploads: FakeDatasetUploads) -> None:
        super().__init__(client)
        self.uploads = uploads
        self.bytes: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.fail_after = -1

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "learning.example":
            return super().handle_request(request)
        request.read()
        if len(self.seen) == self.fail_after:
            return httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>No</Message></Error>")
        if request.method == "GET":
            return httpx.Response(200, content=b'{"code":"truncated","file":"a.jpg"}\n')
        self.seen.append(request.url.path)
        if request.method == "PUT":
            return self._part(request)
        form = dict(parts(request))
        assert len(form["file"]) == int(form["size"])
        key = form["key"].decode()
        self.bytes[key] = form["file"]
        self.uploads.objects[key] = len(form["file"])
        return httpx.Response(204)

    def _part(self, request: httpx.Request) -> httpx.Response:
        asked = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        assert len(request.content) == int(asked["bytes"])
        self.uploads.open[asked["upload"]][int(asked["part"])] = len(request.content)
        self.bytes[f"part {asked['part']}"] = request.content
        return httpx.Response(200)


class Lab:
    """A researcher's client and what stands behind it."""

    def __init__(self, served: TestClient) -> None:
        self.fakes, self.records, self.uploads = Fakes(), FakeDatasetRecords(), FakeDatasetUploads()
        assert isinstance(served.app, FastAPI)
        self.fakes.stand_in(served.app)
        served.app.dependency_overrides |= {
            deps.dataset_records: lambda: self.records,
            deps.dataset_uploads: lambda: self.uploads,
        }
        self.fakes.person("rita", Role.RESEARCHER)
        self.fakes.person("gert", Role.GP)
        self.network = Network(served, self.uploads)
        self.told: list[int] = []

    def client(self, name: str = "rita") -> Triagelens:
        return Triagelens(
            API,
            token_provider=lambda refused=None: f"sub-{name}",
            transport=self.network,
            retry=Retry(sleep=lambda _: None),
        )

    def create(self, path: Path, **more: object) -> Dataset:
        return self.client().datasets.create(path, "HAM", "skin", **more)

    def upload(self, dataset: Dataset, path: Path) -> Dataset:
        return self.client().datasets.upload(dataset.dataset_id, path, self.told.append)

    def made_ready(self, dataset: Dataset) -> None:
        stored = self.records.dataset(dataset.dataset_id)
        ingested = Ingested(
            snapshot_id="f" * 32,
            counts={"mel": {"train": 7, "validation": 2, "held_out": 1}},
            problems={"truncated": 1},
            problems_key="snapshots/f.problems.jsonl",
        )
        self.records.replace_dataset(stored.ready(ingested, self.fakes.clock()))


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def lab(served: TestClient, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(client_datasets, "IN_PARTS_FROM_BYTES", 3 * PART)
    monkeypatch.setattr("triagelens.services.datasets.PART_BYTES", PART)
    return Lab(served)


@pytest.fixture
def run(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of rita's."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: lab.client())
        folder = str(tmp_path / "config")
        environment = {"TRIAGELENS_CONFIG_DIR": folder, "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["datasets", *map(str, arguments)], env=environment)

    return run


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[int], Path]:
    def write(size: int) -> Path:
        path = tmp_path / "ham.zip"
        path.write_bytes(bytes(number % 251 for number in range(size)))
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    for name in ("mel/1.jpg", "nv/2.jpg", "metadata.csv", ".hidden/3.jpg", "nv/.DS_Store", "nv/empty.jpg"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if "empty" in name else name.encode())
    (root / "link.jpg").symlink_to(root / "mel/1.jpg")
    return root


def test_a_small_archive_goes_in_one_form(lab: Lab, archive: Callable[[int], Path]) -> None:
    path = archive(2 * PART)
    dataset = lab.create(path, licence="CC0-1.0")
    assert (dataset.form, dataset.licence, dataset.is_settled) == ("archive", "CC0-1.0", False)
    sent = lab.upload(dataset, path)
    assert sent.status == "ingesting"
    assert list(lab.network.bytes.values()) == [path.read_bytes()]
    assert (max(lab.told), lab.told) == (2 * PART, sorted(lab.told))


def test_a_large_archive_goes_in_parts_and_on_from_where_it_broke_off(
    lab: Lab, archive: Callable[[int], Path]
) -> None:
    path = archive(4 * PART + 1)
    dataset = lab.create(path)
    assert dataset.form == "multipart"
    lab.network.fail_after = 2
    with pytest.raises(UploadRefusedError):
        lab.upload(dataset, path)
    assert lab.told == [0, PART, 2 * PART]
    lab.network.fail_after, lab.told = -1, []
    assert lab.upload(dataset, path).status == "ingesting"
    assert lab.told == [2 * PART, 3 * PART, 4 * PART, 4 * PART + 1]
    assert len(lab.network.seen) == 5
    joined = b"".join(lab.network.bytes[f"part {number}"] for number in range(1, 6))
    assert joined == path.read_bytes()
    assert lab.upload(dataset, path).job_id == lab.client().datasets.get(dataset.dataset_id).job_id
    assert len(lab.network.seen) == 5, "what has come is not sent again"


def test_a_folder_goes_file_by_file_without_what_is_hidden_empty_or_linked(lab: Lab, folder: Path) -> None:
    dataset = lab.create(folder)
    assert dataset.form == "files"
    assert lab.upload(dataset, folder).status == "ingesting"
    paths = {file.path for file in lab.records.files(dataset.dataset_id)}
    assert paths == {"mel/1.jpg", "nv/2.jpg", "metadata.csv"}
    assert set(lab.network.bytes.values()) == {b"mel/1.jpg", b"nv/2.jpg", b"metadata.csv"}
    assert lab.told[-1] == sum(len(path) for path in paths)


def test_another_file_than_was_announced_is_not_sent(lab: Lab, archive: Callable[[int], Path]) -> None:
    dataset = lab.create(archive(10))
    with pytest.raises(UnreadableFileError, match="11 bytes; 10 were announced"):
        lab.upload(dataset, archive(11))
    assert not lab.network.seen


def test_what_is_not_there_or_empty_is_not_announced(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UnreadableFileError):
        lab.create(tmp_path / "absent.zip")
    dataset = lab.create(tmp_path / "nothing")
    with pytest.raises(UnreadableFileError, match="holds no files"):
        lab.upload(dataset, tmp_path / "nothing")


def test_a_dataset_is_waited_for_and_tells_what_was_left_out(
    lab: Lab, archive: Callable[[int], Path]
) -> None:
    path, datasets = archive(10), lab.client().datasets
    dataset = lab.upload(lab.create(path), path)
    with pytest.raises(DeadlinePassedError):
        datasets.wait(dataset.dataset_id, within_s=0.01)
    lab.made_ready(dataset)
    ready = datasets.wait(dataset.dataset_id)
    assert (ready.status, ready.snapshot_ids, ready.counts["mel"]["train"]) == ("ready", ("f" * 32,), 7)
    assert json.loads(datasets.problems(ready)) == {"code": "truncated", "file": "a.jpg"}
    assert [found.dataset_id for found in datasets.all()] == [dataset.dataset_id]


def test_who_may_not_and_what_does_not_fit_is_told(lab: Lab, archive: Callable[[int], Path]) -> None:
    with pytest.raises(ForbiddenError):
        lab.client("gert").datasets.page()
    dataset = lab.create(archive(10))
    datasets = lab.client().datasets
    with pytest.raises(ConflictError):
        datasets.ingest(dataset.dataset_id)
    assert datasets.abort(dataset.dataset_id).status == "aborted"
    with pytest.raises(ConflictError):
        lab.upload(dataset, archive(10))


def test_the_commands_take_a_dataset_from_announcement_to_counts(
    lab: Lab, run: Run, archive: Callable[[int], Path]
) -> None:
    path = archive(4 * PART)
    created = run("create", path, "-s", "skin", "--licence", "CC0-1.0")
    assert created.exit_code == 0, created.output
    dataset_id = created.stdout.strip()
    sent = run("upload", dataset_id, path)
    assert sent.exit_code == 0, sent.output
    dataset = lab.client().datasets.get(dataset_id)
    assert sent.stdout.split() == [dataset.job_id]
    assert (dataset.name, dataset.status) == ("ham.zip", "ingesting")
    lab.made_ready(dataset)
    shown = run("show", dataset_id).stdout
    assert all(word in shown for word in ("ready", "1 truncated", "CC0-1.0", "held_out", "mel"))
    assert json.loads(run("show", dataset_id, "--problems").stdout)["file"] == "a.jpg"
    assert json.loads(run("show", dataset_id, "--json").stdout)["dataset_id"] == dataset_id
    assert dataset_id in run("list").stdout
    assert json.loads(run("list", "--json").stdout)["status"] == "ready"
    assert run("ingest", dataset_id).exit_code == 0
    assert run("abort", dataset_id).exit_code == 1


def test_create_can_send_at_once_and_labels_need_no_file(
    run: Run, lab: Lab, archive: Callable[[int], Path]
) -> None:
    both = run("create", archive(10), "-s", "teeth", "--new-specialty", "--upload", "--name", "Teeth")
    assert both.exit_code == 0, both.output
    assert len(both.stdout.split()) == 2
    assert run("create", archive(10), "-s", "teeth").exit_code == 1
    labels = run("from-labels", "skin")
    assert labels.exit_code == 0, labels.output
    assert lab.client().datasets.get(labels.stdout.split()[0]).form == "labels"
    broken = lab.create(archive(10))
    assert run("abort", broken.dataset_id).exit_code == 0
