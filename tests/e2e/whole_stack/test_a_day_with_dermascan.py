"""A day with DermaScan: its app knows its own paths and fields, and a token."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.whole_stack.files import two_classes
from tests.e2e.whole_stack.learning import archive, ingest
from tests.e2e.whole_stack.stack import Person, Stack

SETTINGS = {
    "architecture": "MobileNetV2",
    "epochs": 2,
    "batch_size": 4,
    "optimizer": "Adam",
    "learning_rate": 0.001,
    "class_balancing": True,
}


@dataclass(frozen=True)
class DermaScan:
    """The app, at a base URL, for one who has signed in."""

    http: httpx.Client
    token: str

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(method, f"/compat/dermascan/api/{path}", headers=headers, **request)
        told: dict[str, Any] = answer.json()
        return answer.status_code, told

    def upload(self, name: str, file: str, data: bytes) -> tuple[int, dict[str, Any]]:
        return self.ask(
            "POST", "upload-dataset", params={"datasetName": name}, files=[("files", (file, data))]
        )

    def train(self, name: str) -> tuple[int, dict[str, Any]]:
        return self.ask("POST", "start-training", json={"dataset_name": name, **SETTINGS})

    def dataset(self, name: str) -> dict[str, Any]:
        """The line of the list that has the name."""
        status, told = self.ask("GET", "datasets")
        assert status == 200, told
        (found,) = [line for line in told["datasets"] if line["name"] == name]
        line: dict[str, Any] = found
        return line


@pytest.fixture(scope="module")
def researcher(strict: Stack) -> Person:
    return strict.grant(strict.person("researcher"), "researcher")


def ingest_as_the_worker_does(strict: Stack, researcher: Person, path: str) -> None:
    ingest(strict.cloud, researcher.ask("GET", path).json()["job_id"])


def test_a_researcher_brings_a_dataset_and_has_a_model_trained(strict: Stack, researcher: Person) -> None:
    faults = len(strict.faults)
    app = DermaScan(strict.http(), researcher.access_token)
    status, told = app.upload("HAM10000", "HAM10000.zip", two_classes(45))
    assert (status, told["status"], told["files_saved"]) == (200, "success", ["HAM10000.zip"])
    assert app.dataset("HAM10000")["status"] == "ingesting"
    assert app.train("HAM10000")[0] == 409, "its images are not there yet"

    ingest_as_the_worker_does(strict, researcher, told["dataset_path"])
    line = app.dataset("HAM10000")
    assert (line["status"], line["images"]) == ("ready", {"mel": 3, "nv": 3})
    status, started = app.train("HAM10000")
    assert (status, started["status"]) == (200, "queued"), started
    status, job = app.ask("GET", f"job/{started['job_id']}/status")
    assert status == 200
    assert (job["status"], job["progress"], job["model_path"]) == ("queued", 0, None)

    researcher.client.training.cancel(started["job_id"])  # the learning loop's tests train; this one asks
    _, job = app.ask("GET", f"job/{started['job_id']}/status")
    assert job["status"] == "failed"
    assert "ancelled" in job["message"]
    status, models = app.ask("GET", "models")
    assert status == 200
    assert isinstance(models["models"], list)
    assert strict.faults[faults:] == []


def test_a_dataset_without_images_says_what_to_check(strict: Stack, researcher: Person) -> None:
    app = DermaScan(strict.http(), researcher.access_token)
    status, told = app.upload("Letters", "letters.zip", archive({"melanoma/letter.txt": b"no image"}))
    assert status == 200
    ingest_as_the_worker_does(strict, researcher, told["dataset_path"])
    status, refused = app.train("Letters")
    assert status == 409
    assert refused["detail"].startswith("No images found!")
    assert app.dataset("Letters")["message"] == refused["detail"]
    assert app.upload("Letters", "HAM10000.zip", two_classes(46))[0] == 200, "the name is free again"
