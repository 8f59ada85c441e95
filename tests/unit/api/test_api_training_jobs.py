"""Trainings over HTTP: who may start them, on what, for how much, and how they are cancelled."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fake_training_jobs import new_job
from tests.unit.api.conftest import Fakes
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role
from triagelens.domain.training_jobs import JobFailure, JobKind, JobStatus
from triagelens.services.training_job_ports import Material

DATASET = new_id()
Told = tuple[int, dict[str, Any]]


class Lab:
    """A researcher with one dataset."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.researcher = fakes.person("rita", Role.RESEARCHER)
        self.has(nv=40, mel=20)

    def has(self, **images: int) -> None:
        self.fakes.material.datasets[DATASET] = Material("skin", DATASET, "f" * 32, images)

    def start(self, key: str | None = None, /, **body: Any) -> Told:
        headers = self.researcher | ({"Idempotency-Key": key} if key else {})
        answer = self.client.post("/v1/training-jobs", json={"dataset_id": DATASET, **body}, headers=headers)
        return answer.status_code, answer.json()

    def ask(self, method: str, path: str) -> Told:
        answer = self.client.request(method, f"/v1/training-jobs{path}", headers=self.researcher)
        return answer.status_code, answer.json()


@pytest.fixture
def lab(client: TestClient, fakes: Fakes) -> Lab:
    return Lab(client, fakes)


def test_a_training_is_queued_whole_and_submitted_by_its_id(lab: Lab) -> None:
    status, job = lab.start(architecture="efficientnet_b0", epochs=3, optimizer="SGD", class_balancing=True)
    assert (status, job["status"], job["progress"], job["kind"]) == (202, "queued", 0.0, "train")
    assert (job["dataset_id"], job["snapshot_id"], job["specialty"]) == (DATASET, "f" * 32, "skin")
    config = job["config"]
    assert (config["architecture"], config["epochs"]) == ("EfficientNet-B0", 3)
    assert (config["optimizer"], config["class_balancing"]) == ("sgd", "sampling")
    assert job["cost_estimate_usd"] > 0
    assert job["requested_by"] == "sub-rita"
    assert list(lab.fakes.job_queue.submitted.values()) == [job["job_id"]]
    assert lab.fakes.jobs.job(job["job_id"]).batch_job_id == "batch-1"
    assert lab.ask("GET", f"/{job['job_id']}") == (200, job)
    assert lab.ask("GET", "")[1]["items"] == [job]


def test_the_same_key_starts_one_training_whatever_became_of_the_dataset(lab: Lab) -> None:
    _, first = lab.start("key-1")
    lab.has(nv=1)
    assert lab.start("key-1") == (202, first)
    assert lab.start("key-1", epochs=31)[0] == 422
    assert len(lab.fakes.jobs.records) == len(lab.fakes.job_queue.submitted) == 1


@pytest.mark.parametrize("images", [{}, {"nv": 4}, {"nv": 3, "mel": 1}, {"nv": 40}, {"nv": 40, "mel": 0}])
def test_too_few_images_or_classes_are_told_with_the_figures(lab: Lab, images: dict[str, int]) -> None:
    lab.has(**images)
    status, told = lab.start()
    assert (status, told["code"]) == (409, "too_few_labels")
    assert f"there are {sum(images.values())} of" in told["detail"]
    assert not lab.fakes.jobs.records


def test_five_images_of_two_classes_are_enough(lab: Lab) -> None:
    lab.has(nv=4, mel=1)
    assert lab.start()[0] == 202


def test_a_training_that_costs_too_much_is_refused_with_both_figures_before_anything_is_made(
    lab: Lab,
) -> None:
    _, job = lab.start(epochs=100)
    cost = job["cost_estimate_usd"]
    assert lab.start(epochs=100, max_cost_usd=cost)[0] == 202
    status, told = lab.start(epochs=100, max_cost_usd=cost - 0.01)
    assert (status, told["code"]) == (409, "too_expensive")
    assert f"{cost:.2f}" in told["detail"]
    assert f"{cost - 0.01:.2f}" in told["detail"]
    assert len(lab.fakes.jobs.records) == len(lab.fakes.job_queue.submitted) == 2


def test_the_estimate_follows_the_work_and_the_price(lab: Lab) -> None:
    lab.has(nv=20_000, mel=20_000)

    def cost(**body: Any) -> float:
        figure: float = lab.start(**body)[1]["cost_estimate_usd"]
        return figure

    usual = cost()
    assert cost(epochs=60) > usual
    assert cost(image_size=448) > 3 * usual
    assert cost(architecture="ResNet18") < usual < cost(architecture="vit_small_patch16_224")
    lab.fakes.settings = lab.fakes.settings.model_copy(update={"training_usd_per_hour": 0.0})
    assert cost() == 0


def test_the_labels_of_a_specialty_are_trained_on_once_there_is_a_snapshot_of_them(lab: Lab) -> None:
    body = {"dataset_id": None, "specialty": "eye"}
    assert lab.start(**body)[0] == 409
    lab.fakes.material.labels["eye"] = Material("eye", DATASET, "e" * 32, {"normal": 9, "cataract": 9})
    status, job = lab.start(**body)
    assert (status, job["specialty"], job["snapshot_id"]) == (202, "eye", "e" * 32)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"specialty": "skin"}, 422),
        ({"dataset_id": None}, 422),
        ({"dataset_id": None, "specialty": "teeth"}, 422),
        ({"dataset_id": "../../x"}, 422),
        ({"dataset_id": new_id()}, 404),
        ({"epochs": 0}, 422),
        ({"batch_size": 1}, 422),
        ({"optimizer": "lion"}, 422),
        ({"class_balancing": "maybe"}, 422),
        ({"class_balancing": 3}, 422),
        ({"learning_rate": 0}, 422),
        ({"architecture": "; rm -rf"}, 422),
        ({"max_cost_usd": 0}, 422),
        ({"weights": "s3://elsewhere"}, 422),
        ({"base_model": "production"}, 409),
        ({"base_model": "9.9.9"}, 409),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_nothing(
    lab: Lab, body: dict[str, Any], expected: int
) -> None:
    status, told = lab.start(**body)
    assert status == expected, told
    assert told["code"]
    assert not lab.fakes.jobs.records


def test_a_deployment_that_does_not_train_says_so(lab: Lab) -> None:
    lab.fakes.job_queue.deployed = False
    status, told = lab.start()
    assert (status, told["code"]) == (503, "training_not_deployed")
    assert not lab.fakes.jobs.records


def test_a_queue_that_does_not_answer_costs_nobody_a_training(lab: Lab) -> None:
    lab.fakes.job_queue.down = True
    status, job = lab.start()
    assert (status, job["status"]) == (202, "queued")
    assert lab.fakes.jobs.open_jobs()[0].batch_job_id is None


def test_cancelling_ends_the_job_and_its_container_and_again_changes_nothing(lab: Lab) -> None:
    _, job = lab.start()
    status, told = lab.ask("POST", f"/{job['job_id']}/cancel")
    assert (status, told["status"], told["message"]) == (200, "cancelled", "Cancelled")
    assert set(lab.fakes.job_queue.cancelled) == {"batch-1"}
    again = lab.ask("POST", f"/{job['job_id']}/cancel")
    assert again[1] == told
    assert lab.fakes.jobs.open_jobs() == []


def test_a_cancellation_that_the_queue_does_not_hear_is_kept(lab: Lab) -> None:
    _, job = lab.start()
    lab.fakes.job_queue.down = True
    status, told = lab.ask("POST", f"/{job['job_id']}/cancel")
    assert (status, told["status"], told["cancel_requested"]) == (200, "queued", True)


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_what_has_ended_cannot_be_cancelled(lab: Lab, status: JobStatus) -> None:
    job = lab.fakes.jobs.add_job(new_job(status=status), None)
    assert lab.ask("POST", f"/{job.job_id}/cancel")[0] == 409
    assert lab.fakes.jobs.job(job.job_id) == job


def test_a_job_tells_how_it_went(lab: Lab) -> None:
    failure = JobFailure(code="out_of_memory", message="Too little memory.")
    ended = new_job(
        status=JobStatus.FAILED,
        failure=failure,
        metrics={"balanced_accuracy": 0.9},
        model_version="2026.1",
        log_location="/triagelens/dev/training:s/1",
    )
    job_id = lab.fakes.jobs.add_job(ended, None).job_id
    _, told = lab.ask("GET", f"/{job_id}")
    assert told["failure"] == {"code": "out_of_memory", "message": "Too little memory."}
    assert told["metrics"] == {"balanced_accuracy": 0.9}
    assert told["model_id"] == "skin:2026.1"
    assert told["log_location"] == "/triagelens/dev/training:s/1"


def test_jobs_are_listed_newest_first_in_pages(lab: Lab) -> None:
    made = [lab.fakes.jobs.add_job(new_job(kind=kind), None).job_id for kind in [*JobKind, *JobKind]]
    _, page = lab.ask("GET", "?limit=3")
    _, rest = lab.ask("GET", f"?limit=3&cursor={page['cursor']}")
    listed = [job["job_id"] for job in [*page["items"], *rest["items"]]]
    assert listed == sorted(made, reverse=True)
    assert rest["cursor"] is None
    assert lab.ask("GET", "?cursor=elsewhere")[0] == 400


@pytest.mark.parametrize("path", ["/01jd0000000000000000000000", "/nothing", "/%00"])
def test_a_job_that_is_not_there_is_not_found(lab: Lab, path: str) -> None:
    assert lab.ask("GET", path)[0] == 404
    assert lab.ask("POST", f"{path}/cancel")[0] == 404


@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.DOCTOR])
def test_nobody_else_gets_at_trainings(lab: Lab, role: Role) -> None:
    _, job = lab.start()
    lab.researcher = lab.fakes.person("somebody", role)
    assert lab.start()[0] == 403
    for method, path in (("GET", ""), ("GET", f"/{job['job_id']}"), ("POST", f"/{job['job_id']}/cancel")):
        assert lab.ask(method, path)[0] == 403
    assert len(lab.fakes.jobs.records) == 1


def test_starting_and_cancelling_are_written_down(lab: Lab) -> None:
    _, job = lab.start()
    lab.ask("POST", f"/{job['job_id']}/cancel")
    trail = [(entry.actor, entry.action, entry.subject) for entry in lab.fakes.audit.entries]
    assert trail == [
        ("sub-rita", "training_job.start", job["job_id"]),
        ("sub-rita", "training_job.cancel", job["job_id"]),
    ]
