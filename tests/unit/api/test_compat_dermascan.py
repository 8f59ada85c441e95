"""The DermaScan app's routes: datasets by their names, trainings of them, and their states."""

import io
import zipfile
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import datasets as deps
from tests.fake_datasets import FakeDatasetRecords, FakeDatasetUploads
from tests.fake_training_jobs import new_job
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from triagelens.domain.datasets import Dataset, DatasetFailure, DatasetStatus, Ingested
from triagelens.domain.manifest import TrainingSpec
from triagelens.domain.models import ModelStatus, RegisteredModel
from triagelens.domain.people import Role
from triagelens.domain.training_jobs import JobFailure, JobKind, JobStatus
from triagelens.services.small_uploads import MOST_BYTES
from triagelens.services.training_job_ports import Material

Told = tuple[int, dict[str, Any]]
Sent = dict[str, bytes]
ZIP = {"set.zip": b"PK an archive"}
FLAT = {"metadata.csv": b"image_id,image_path,label", "b.png": b"b", "a.jpg": b"a"}


class App:
    """The DermaScan app in a researcher's hands, and what stands behind the routes."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.records, self.uploads = FakeDatasetRecords(), FakeDatasetUploads()
        assert isinstance(client.app, FastAPI)
        client.app.dependency_overrides |= {
            deps.dataset_records: lambda: self.records,
            deps.dataset_uploads: lambda: self.uploads,
        }
        self.headers = fakes.person("rita", Role.RESEARCHER)

    def ask(self, method: str, path: str, **request: Any) -> Told:
        answer = self.client.request(method, f"/compat/dermascan/api/{path}", headers=self.headers, **request)
        return answer.status_code, answer.json()

    def upload(self, files: Sent, name: str = "HAM10000", **query: str) -> Told:
        parts = [("files", (path, data)) for path, data in files.items()]
        return self.ask("POST", "upload-dataset", params={"datasetName": name, **query}, files=parts)

    def uploaded(self, files: Sent = ZIP, name: str = "HAM10000", **query: str) -> Dataset:
        """The record of a dataset that was taken."""
        status, told = self.upload(files, name, **query)
        assert status == 200, told
        return self.records.dataset(told["dataset_path"].removeprefix("/v1/datasets/"))

    def settle(self, dataset: Dataset, status: DatasetStatus, **more: Any) -> None:
        now = self.fakes.clock()
        self.records.replace_dataset(dataset.move(status, now, **more))

    def ready(self, name: str = "HAM10000") -> Dataset:
        dataset = self.uploaded(name=name)
        counts = {"mel": {"train": 20, "validation": 4}, "nv": {"train": 30}}
        self.settle(dataset, DatasetStatus.READY, ingested=Ingested(snapshot_id="s" * 32, counts=counts))
        self.fakes.material.datasets[dataset.dataset_id] = Material(
            "skin", dataset.dataset_id, "s" * 32, {"mel": 24, "nv": 30}
        )
        return dataset

    def train(self, name: str = "HAM10000", **body: Any) -> Told:
        return self.ask("POST", "start-training", json={"dataset_name": name, **body})

    @property
    def jobs(self) -> list[Any]:
        return list(self.fakes.jobs.records.values())


def a_model() -> RegisteredModel:
    return RegisteredModel(
        specialty="skin",
        name="ham",
        version="1",
        status=ModelStatus.CANDIDATE,
        intended_use="research",
        labels=("mel", "nv"),
        registered_by="job",
        job_id="job",
        training=TrainingSpec(job="job", metrics={"balanced_accuracy": 0.8}),
        created_at=START,
        model_key="m",
        model_object_version="1",
        model_sha256="0" * 64,
        manifest_key="n",
        manifest_object_version="1",
        manifest_sha256="0" * 64,
    )


@pytest.fixture
def app(client: TestClient, fakes: Fakes) -> App:
    return App(client, fakes)


def test_an_archive_goes_on_as_it_came_and_is_ingested_at_once(app: App) -> None:
    status, told = app.upload(ZIP)
    (dataset,) = app.records.records.values()
    assert (status, told) == (
        200,
        {
            "status": "success",
            "dataset_name": "HAM10000",
            "dataset_path": f"/v1/datasets/{dataset.dataset_id}",
            "files_saved": ["set.zip"],
            "message": "Uploaded 1 file(s)",
        },
    )
    assert app.uploads.written == {dataset.archive_key: ZIP["set.zip"]}
    assert (dataset.status, dataset.specialty, dataset.new_specialty) == ("ingesting", "skin", False)
    (job,) = app.jobs
    assert (job.kind, job.dataset_id, job.requested_by) == (JobKind.INGEST, dataset.dataset_id, "sub-rita")
    assert [entry.subject for entry in app.fakes.audit.entries if entry.action == "dataset.create"] == [
        dataset.dataset_id
    ]


def test_single_files_become_one_archive_with_their_folders(app: App) -> None:
    files = {**FLAT, "melanoma/img1.jpg": b"one"}
    dataset = app.uploaded(files)
    with zipfile.ZipFile(io.BytesIO(app.uploads.written[dataset.archive_key])) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == files


def test_the_order_of_files_makes_no_other_dataset(app: App) -> None:
    first = app.uploaded(FLAT)
    assert app.uploaded(dict(reversed(FLAT.items()))).dataset_id == first.dataset_id
    assert len(app.jobs) == 1


def test_a_dataset_with_labels_of_its_own_names_a_specialty(app: App) -> None:
    dataset = app.uploaded(specialty="moles")
    assert (dataset.specialty, dataset.new_specialty) == ("moles", True)
    assert app.upload(ZIP, specialty="skin")[0] == 409, "of the same files, and not the same dataset"
    assert app.upload(ZIP, "other", specialty="No Slug!")[0] == 422


def test_a_name_is_free_again_after_a_failure_and_after_giving_up(app: App) -> None:
    failed = app.uploaded()
    assert app.upload(FLAT)[0] == 409
    app.settle(failed, DatasetStatus.FAILED, failure=DatasetFailure(code="dataset", message="No images"))
    again = app.uploaded(FLAT)
    assert again.dataset_id != failed.dataset_id
    app.records.records[again.dataset_id] = again.model_copy(update={"status": DatasetStatus.ABORTED})
    assert app.uploaded(ZIP).dataset_id not in (failed.dataset_id, again.dataset_id)


def test_an_upload_that_was_broken_off_goes_on_when_it_is_sent_again(app: App) -> None:
    def die() -> None:
        raise ConnectionError("The power is gone.")

    app.uploads.before_upload = die
    assert app.upload(ZIP)[0] == 500
    assert not app.jobs
    assert app.upload(FLAT)[0] == 409, "the name is waited for"
    dataset = app.uploaded(ZIP)
    assert len(app.records.records) == len(app.jobs) == 1
    assert dataset.status is DatasetStatus.INGESTING


@pytest.mark.parametrize(("other", "status"), [(ZIP, 200), (FLAT, 409)])
def test_of_two_who_use_a_name_at_the_same_moment_one_has_it(app: App, other: Sent, status: int) -> None:
    seen: list[Told] = []
    app.records.before_write = lambda: seen.append(app.upload(other))
    mine, _ = app.upload(ZIP)
    assert [told for told, _ in seen] == [200]
    assert mine == status
    assert len(app.records.records) == len(app.jobs) == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"letter.txt": b"x"}, "A dataset is images"),
        ({"set.zip": b"x", "metadata.csv": b"y"}, "sent alone"),
        ({"../a.jpg": b"x"}, "leads out"),
        ({"/a.jpg": b"x"}, "leads out"),
        ({"a\\b.jpg": b"x"}, "leads out"),
        ({"n" * 500 + ".jpg": b"x"}, "leads out"),
    ],
)
def test_files_that_make_no_dataset_are_refused(app: App, files: Sent, words: str) -> None:
    status, told = app.upload(files)
    assert status == 400
    assert words in told["detail"]
    assert not app.records.records


def test_two_files_of_one_name_are_refused(app: App) -> None:
    parts = [("files", ("a.jpg", b"one")), ("files", ("a.jpg", b"two"))]
    status, told = app.ask("POST", "upload-dataset", params={"datasetName": "x"}, files=parts)
    assert (status, told) == (400, {"detail": "Two files have the same name."})


def test_what_is_too_large_is_told_the_way_for_large_ones(app: App) -> None:
    status, told = app.upload({"a.jpg": bytes(MOST_BYTES), "b.jpg": b"x"})
    assert status == 413
    assert "POST /v1/datasets" in told["detail"]
    assert app.upload({"a.zip": bytes(MOST_BYTES)})[0] == 200


def test_where_nothing_ingests_that_is_said_and_nothing_is_kept(app: App) -> None:
    app.fakes.job_queue.deployed = False
    status, told = app.upload(ZIP)
    assert (status, list(told)) == (503, ["detail"])
    assert not app.records.records
    assert not app.uploads.written


def test_a_training_is_started_by_the_name_with_the_former_settings(app: App) -> None:
    dataset = app.ready()
    status, told = app.train(
        architecture="EfficientNetB3",
        epochs=12,
        batch_size=8,
        optimizer="RMSprop",
        learning_rate=0.01,
        class_balancing=False,
    )
    assert (status, told["status"], told["message"]) == (200, "queued", "Training job started")
    job = app.fakes.jobs.job(told["job_id"])
    assert (job.kind, job.dataset_id, job.requested_by) == (JobKind.TRAIN, dataset.dataset_id, "sub-rita")
    config = {name: job.config[name] for name in ("architecture", "epochs", "batch_size", "optimizer")}
    assert config == {
        "architecture": "EfficientNet-B3",
        "epochs": 12,
        "batch_size": 8,
        "optimizer": "rmsprop",
    }
    assert (job.config["learning_rate"], job.config["class_balancing"]) == (0.01, "none")


def test_where_nothing_trains_that_is_said(app: App) -> None:
    app.ready()
    before = len(app.jobs)
    app.fakes.job_queue.deployed = False
    status, told = app.train()
    assert (status, list(told)) == (503, ["detail"])
    assert len(app.jobs) == before


def test_settings_that_are_left_out_are_those_of_the_former_server(app: App) -> None:
    app.ready()
    job = app.fakes.jobs.job(app.train()[1]["job_id"])
    assert (job.config["architecture"], job.config["epochs"], job.config["batch_size"]) == (
        "DenseNet169",
        30,
        32,
    )
    assert (job.config["optimizer"], job.config["class_balancing"]) == ("adam", "sampling")


def test_a_dataset_that_was_brought_another_way_is_found_by_its_name(app: App) -> None:
    body = {"name": "brought whole", "specialty": "skin", "form": "multipart", "size_bytes": 10**10}
    made = app.client.post("/v1/datasets", headers=app.headers, json=body)
    assert made.status_code == 201
    status, told = app.train("brought whole")
    assert status == 409
    assert "awaiting upload" in told["detail"]
    assert app.upload(ZIP, "brought whole")[0] == 409


def test_of_datasets_of_one_name_the_newest_is_trained_on_that_was_not_given_up(app: App) -> None:
    wanted = app.ready()
    newer = wanted.model_copy(
        update={"dataset_id": "7" + "z" * 25, "status": DatasetStatus.ABORTED, "version": None}
    )
    app.records.add_dataset(newer)
    job = app.fakes.jobs.job(app.train()[1]["job_id"])
    assert job.dataset_id == wanted.dataset_id


def test_a_dataset_without_images_says_so_when_it_is_to_be_trained_on(app: App) -> None:
    failure = DatasetFailure(code="dataset", message="No images found! Looked for metadata.csv.")
    app.settle(app.uploaded(), DatasetStatus.FAILED, failure=failure)
    assert app.train() == (409, {"detail": failure.message})
    (line,) = app.ask("GET", "datasets")[1]["datasets"]
    assert (line["status"], line["message"], line["images"]) == ("failed", failure.message, {})


def test_a_dataset_whose_ingestion_died_has_failed(app: App) -> None:
    dataset = app.uploaded()
    failure = JobFailure(code="lost", message="Its machine was lost.")
    job = app.jobs[0].model_copy(update={"status": JobStatus.FAILED, "failure": failure})
    app.fakes.jobs.records[job.job_id] = job
    assert app.train() == (409, {"detail": failure.message})
    assert app.uploaded().dataset_id != dataset.dataset_id, "the same files, once more"


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ({}, {"status": "queued", "progress": 0, "message": "Queued"}),
        (
            {"status": JobStatus.RUNNING, "progress": 14.99 / 30, "message": "Epoch 15/30"},
            {"status": "running", "progress": 49, "message": "Epoch 15/30"},
        ),
        (
            {
                "status": JobStatus.COMPLETED,
                "progress": 1.0,
                "message": "Completed",
                "model_version": "2026.11.1",
            },
            {"status": "completed", "progress": 100, "model_path": "/v1/models/skin/2026.11.1"},
        ),
        ({"status": JobStatus.FAILED, "message": "No images found!"}, {"status": "failed"}),
        (
            {"status": JobStatus.CANCELLED, "message": "Cancelled"},
            {"status": "failed", "message": "Cancelled"},
        ),
    ],
)
def test_a_jobs_state_is_told_in_the_former_words(
    app: App, job: dict[str, Any], told: dict[str, Any]
) -> None:
    made = app.fakes.jobs.replace_job(new_job(**job))
    status, answer = app.ask("GET", f"job/{made.job_id}/status")
    assert status == 200
    assert answer == {
        "job_id": made.job_id,
        "message": made.message,
        "model_path": None,
        "created_at": made.created_at.isoformat().replace("+00:00", "Z"),
        "started_at": None,
        "completed_at": None,
        **told,
        "progress": told.get("progress", 0),
    }


def test_datasets_and_models_are_listed(app: App) -> None:
    dataset = app.ready()
    app.fakes.registry.add_model(a_model())
    status, told = app.ask("GET", "datasets")
    assert (status, told["cursor"]) == (200, None)
    (line,) = told["datasets"]
    assert (line["name"], line["path"]) == ("HAM10000", f"/v1/datasets/{dataset.dataset_id}")
    assert (line["status"], line["images"]) == ("ready", {"mel": 24, "nv": 30})
    status, told = app.ask("GET", "models")
    assert (status, told["cursor"]) == (200, None)
    (line,) = told["models"]
    assert line == {
        "name": "ham",
        "path": "/v1/models/skin/1",
        "status": "candidate",
        "production": False,
        "labels": ["mel", "nv"],
        "metrics": {"balanced_accuracy": 0.8},
        "job_id": "job",
        "created_at": START.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.DOCTOR])
def test_only_researchers_and_admins_bring_datasets_and_train(app: App, fakes: Fakes, role: Role) -> None:
    app.ready()
    app.headers = fakes.person("other", role)
    assert app.upload(FLAT, "theirs")[0] == 403
    assert app.train()[0] == app.train("nothing")[0] == 403
    assert app.ask("GET", "datasets")[0] == 403
    assert app.ask("GET", f"job/{app.jobs[0].job_id}/status")[0] == 403


def test_what_does_not_fit_is_told_as_fastapi_does(app: App) -> None:
    status, told = app.train(epochs="many", optimizer="Adagrad")
    assert status == 422
    assert [(entry["loc"], entry["type"]) for entry in told["detail"]] == [
        (["body", "epochs"], "int_parsing"),
        (["body", "optimizer"], "literal_error"),
    ]
    assert app.upload(ZIP, "a\x00b")[0] == 422
    assert app.ask("GET", "nothing/here") == (404, {"detail": "There is nothing at this address."})
