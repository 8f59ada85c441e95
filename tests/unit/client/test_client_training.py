"""The client's training jobs and their commands, against the application itself over fakes."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from clinic_api.app import create_app
from tests.fake_training_jobs import new_job
from tests.fakes import START
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.ids import new_id
from triagelens.domain.imports import ImportStatus, ModelImport
from triagelens.domain.models import Problem
from triagelens.domain.people import Role
from triagelens.domain.training_jobs import Report, Runner
from triagelens.services.training_job_ports import Material
from triagelens.services.training_jobs import TrainingJobs
from triagelens_client import ConflictError, DeadlinePassedError, ForbiddenError, Retry, Triagelens
from triagelens_client.cli import app

Run = Callable[..., Result]
DATASET = new_id()
SAID = Problem(code="gate", message="Too few of df.")


def import_of(job_id: str) -> ModelImport:
    """What a job announces to the registry."""
    return ModelImport(
        import_id=new_id(),
        specialty="skin",
        name="skin-resnet18",
        version="2026.1",
        requested_by="sub-rita",
        correlation_id="request",
        created_at=START,
        upload_expires_at=START + timedelta(hours=1),
        job_id=job_id,
    )


class Lab:
    """A researcher's client, what stands behind it, and a container that goes a step on in each pause."""

    def __init__(self, served: TestClient) -> None:
        self.fakes = Fakes()
        self.fakes.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
        self.fakes.person("rita", Role.RESEARCHER)
        self.fakes.person("gert", Role.GP)
        self.fakes.material.datasets[DATASET] = Material("skin", DATASET, "f" * 32, {"nv": 9, "mel": 9})
        self.container = TrainingJobs(self.fakes.jobs, self.fakes.clock)
        self.pauses: list[float] = []
        self.steps: Iterator[object] = iter(())
        self._served = served

    def client(self, name: str = "rita") -> Triagelens:
        return Triagelens(
            API,
            token_provider=lambda refused=None: f"sub-{name}",
            transport=Door(self._served),
            retry=Retry(sleep=self._pause),
        )

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        next(self.steps, None)

    def trains(
        self, job_id: str, *, fails: bool = False, verdict: ImportStatus = ImportStatus.CANDIDATE
    ) -> None:
        """From now on the job goes on while it is waited for, and after it the check of its model."""

        def steps() -> Iterator[object]:
            attempt = self.container.claim(job_id, Runner(runner_id="b", start=1)).attempt
            yield None
            for epoch in (1, 2):
                message = f"Epoch {epoch}/2"
                yield self.container.report(job_id, attempt, Report(progress=epoch / 2, message=message))
            if fails:
                yield self.container.fail(job_id, attempt, "out_of_memory", "Too little memory.")
            brought = self.fakes.registry.add_import(import_of(job_id))
            metrics = {"balanced_accuracy": 0.875}
            told = Report(metrics=metrics, model_version=brought.version, import_id=brought.import_id)
            yield self.container.finish(job_id, attempt, told)
            yield None
            problems = () if verdict is ImportStatus.CANDIDATE else (SAID,)
            yield self.fakes.registry.replace_import(
                brought.model_copy(update={"status": verdict, "problems": problems})
            )

        self.steps = steps()


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def lab(served: TestClient) -> Lab:
    return Lab(served)


@pytest.fixture
def run(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of rita's."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", lambda *_, **__: lab.client())
        environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "200"}
        return CliRunner().invoke(app, ["training", *map(str, arguments)], env=environment)

    return run


def test_a_training_is_started_followed_and_found(lab: Lab) -> None:
    client = lab.client()
    job = client.training.start(dataset_id=DATASET, epochs=2, architecture="ResNet18")
    assert (job.status, job.config["architecture"], job.has_ended) == ("queued", "ResNet18", False)
    lab.trains(job.job_id)
    heard: list[str] = []
    done = client.training.wait(job.job_id, told=lambda job: heard.append(job.message))
    assert (done.status, done.progress, done.model_id) == ("completed", 1.0, "skin:2026.1")
    assert done.metrics == {"balanced_accuracy": 0.875}
    assert {"Epoch 1/2", "Epoch 2/2"} <= set(heard)
    assert min(lab.pauses) >= 5  # as long as the API asked for
    assert client.training.get(job.job_id) == done
    assert list(client.training.all()) == [done]


def test_the_same_key_starts_one_training(lab: Lab) -> None:
    client = lab.client()
    first = client.training.start(dataset_id=DATASET, idempotency_key="k")
    assert client.training.start(dataset_id=DATASET, idempotency_key="k") == first
    assert client.training.start(dataset_id=DATASET).job_id != first.job_id


def test_a_wait_has_an_end(lab: Lab) -> None:
    client = lab.client()
    job = client.training.start(dataset_id=DATASET)
    with pytest.raises(DeadlinePassedError):
        client.training.wait(job.job_id, within_s=3)


def test_who_may_not_train_is_told_so(lab: Lab) -> None:
    with pytest.raises(ForbiddenError):
        lab.client("gert").training.page()


def test_a_cancelled_training_stays_cancelled_and_an_ended_one_is_not_cancelled(lab: Lab) -> None:
    client = lab.client()
    job = client.training.start(dataset_id=DATASET)
    assert (
        client.training.cancel(job.job_id).status == client.training.cancel(job.job_id).status == "cancelled"
    )
    done = client.training.start(dataset_id=DATASET)
    lab.trains(done.job_id)
    client.training.wait(done.job_id)
    with pytest.raises(ConflictError):
        client.training.cancel(done.job_id)


def test_the_command_starts_a_training_and_prints_its_id(lab: Lab, run: Run) -> None:
    done = run(
        "start", "--dataset", DATASET, "--arch", "ResNet50", "--epochs", 3, "--class-balancing", "loss"
    )
    assert done.exit_code == 0, done.output
    job = lab.fakes.jobs.job(done.stdout.split()[-1])
    assert (job.config["architecture"], job.config["epochs"]) == ("ResNet50", 3)
    assert job.config["class_balancing"] == "loss"
    assert f"${job.cost_estimate_usd:.2f}" in done.output


def test_the_command_tells_what_a_training_would_cost_where_it_is_too_much(lab: Lab, run: Run) -> None:
    refused = run("start", "--dataset", DATASET, "--max-cost-usd", "0.01")
    assert refused.exit_code == 1
    assert "0.01 are allowed" in refused.output
    assert not lab.fakes.jobs.records


def test_the_command_follows_a_job_to_its_end(lab: Lab, run: Run) -> None:
    job_id = lab.fakes.jobs.add_job(new_job(), None).job_id
    lab.trains(job_id)
    watched = run("watch", job_id)
    assert watched.exit_code == 0, watched.output
    assert watched.stdout.split()[-1] == "skin:2026.1"
    assert "Epoch 1/2" in watched.output
    [brought] = lab.fakes.registry.imports.values()
    assert brought.status == "candidate", "it stayed until there was something to show"


def test_the_command_says_what_the_gate_says(lab: Lab, run: Run) -> None:
    job_id = lab.fakes.jobs.add_job(new_job(), None).job_id
    lab.trains(job_id, verdict=ImportStatus.NOT_EVALUABLE)
    watched = run("watch", job_id)
    assert watched.exit_code == 0, watched.output
    assert watched.stdout.split()[-1] == "skin:2026.1"
    assert "Too few of df. (gate)" in watched.output


def test_the_command_fails_with_the_check_of_the_model(lab: Lab, run: Run) -> None:
    job_id = lab.fakes.jobs.add_job(new_job(), None).job_id
    lab.trains(job_id, verdict=ImportStatus.REFUSED)
    watched = run("watch", job_id)
    assert watched.exit_code == 1
    assert "skin:2026.1" not in watched.stdout
    assert "Too few of df. (gate)" in watched.output


def test_the_command_fails_with_the_job(lab: Lab, run: Run) -> None:
    job_id = lab.fakes.jobs.add_job(new_job(), None).job_id
    lab.trains(job_id, fails=True)
    watched = run("watch", job_id)
    assert watched.exit_code == 1
    assert "Too little memory." in watched.output


def test_the_commands_list_show_and_cancel(lab: Lab, run: Run) -> None:
    job_id = lab.fakes.jobs.add_job(new_job(message="Epoch 1/3", progress=1 / 3), None).job_id
    listed = run("list")
    assert job_id in listed.stdout
    assert "33%" in listed.stdout
    assert json.loads(run("list", "--json").stdout)["job_id"] == job_id
    shown = run("show", job_id).stdout
    assert "Epoch 1/3" in shown
    assert "Epochs" in shown
    assert json.loads(run("show", job_id, "--json").stdout)["config"] == {"epochs": 3}
    cancelled = run("cancel", job_id)
    assert (cancelled.exit_code, "cancelled" in cancelled.output) == (0, True)
    assert run("show", new_id()).exit_code == 1
