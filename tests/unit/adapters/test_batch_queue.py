"""What is asked of AWS Batch, checked against its service model, and what its answers mean."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.fake_training_jobs import new_job
from triagelens.adapters.batch import (
    BatchQueue,
    BatchTarget,
    NoQueue,
    WorkerQueue,
    job_id_of,
    job_name,
    queued_job,
)
from triagelens.domain.errors import TrainingNotDeployedError, UnavailableError
from triagelens.domain.training_jobs import JobKind
from triagelens.services.training_job_ports import QueuedState

EVENTS = Path(__file__).parents[2] / "events"
JOB = new_job()
NAME = job_name(JOB.job_id)


class Batch:
    """A queue on a client whose answers a test lays out beforehand."""

    def __init__(self) -> None:
        client = boto3.client(
            "batch", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.stub = Stubber(client)
        self.queue = BatchQueue(client, {JobKind.TRAIN: BatchTarget("gpus", "train")})


@pytest.fixture
def batch() -> Iterator[Batch]:
    made = Batch()
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()


def test_batch_is_told_the_id_of_a_job_and_nothing_else(batch: Batch) -> None:
    expected = {
        "jobName": NAME,
        "jobQueue": "gpus",
        "jobDefinition": "train",
        "parameters": {"job_id": JOB.job_id},
        "dependsOn": [],
    }
    batch.stub.add_response("submit_job", {"jobName": NAME, "jobId": "b-1"}, expected)
    assert batch.queue.submit(JOB) == "b-1"
    waiting = {**expected, "dependsOn": [{"jobId": "b-0"}]}
    batch.stub.add_response("submit_job", {"jobName": NAME, "jobId": "b-2"}, waiting)
    assert batch.queue.submit(JOB, after="b-0") == "b-2"


def test_a_name_tells_the_job_and_a_foreign_one_nothing() -> None:
    assert job_id_of(NAME) == JOB.job_id
    for name in ("triagelens-", "triagelens-nightly", JOB.job_id, f"other-{JOB.job_id}"):
        assert job_id_of(name) is None


def test_a_kind_that_has_no_queue_is_not_deployed(batch: Batch) -> None:
    ingest = new_job(kind=JobKind.INGEST)
    for ask in (batch.queue.submit, batch.queue.find, NoQueue().submit):
        with pytest.raises(TrainingNotDeployedError):
            ask(ingest)
    batch.queue.check_deployed(JobKind.TRAIN)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ClientException", 404), ("TooManyRequestsException", 429), ("ServerException", 500)],
)
def test_a_queue_that_takes_nothing_now_may_be_asked_again(batch: Batch, code: str, status: int) -> None:
    batch.stub.add_client_error("submit_job", code, http_status_code=status)
    with pytest.raises(UnavailableError):
        batch.queue.submit(JOB)


def test_a_missing_permission_is_not_hidden(batch: Batch) -> None:
    batch.stub.add_client_error("submit_job", "AccessDeniedException", http_status_code=403)
    with pytest.raises(ClientError):
        batch.queue.submit(JOB)


def test_a_job_is_found_by_its_exact_name(batch: Batch) -> None:
    asked = {"jobQueue": "gpus", "filters": [{"name": "JOB_NAME", "values": [NAME]}]}
    others = [{"jobId": "b-0", "jobName": f"{NAME}x"}, {"jobId": "b-1", "jobName": NAME}]
    batch.stub.add_response("list_jobs", {"jobSummaryList": others}, asked)
    batch.stub.add_response("list_jobs", {"jobSummaryList": []}, asked)
    assert batch.queue.find(JOB) == "b-1"
    assert batch.queue.find(JOB) is None


def test_cancelling_what_batch_does_not_know_is_no_error(batch: Batch) -> None:
    batch.stub.add_response("terminate_job", {}, {"jobId": "b-1", "reason": "why"})
    batch.stub.add_client_error("terminate_job", "ClientException", http_status_code=400)
    batch.queue.cancel("b-1", "why")
    batch.queue.cancel("laptop", "why")


def test_many_jobs_are_asked_for_a_hundred_at_a_time(batch: Batch) -> None:
    ids = [f"b-{number}" for number in range(150)]
    for part in (ids[:100], ids[100:]):
        jobs = [
            {"jobId": queue_id, "jobName": NAME, "jobQueue": "gpus", "status": "RUNNABLE"}
            | {"jobDefinition": "train", "startedAt": 0}
            for queue_id in part[1:]
        ]
        batch.stub.add_response("describe_jobs", {"jobs": jobs}, {"jobs": part})
    known = batch.queue.describe(ids)
    assert set(known) == set(ids) - {"b-0", "b-100"}
    assert {job.state for job in known.values()} == {QueuedState.NO_MACHINE}
    assert batch.queue.describe([]) == {}


def test_a_worker_finds_queued_records_by_itself() -> None:
    queue = WorkerQueue()
    for kind in JobKind:
        queue.check_deployed(kind)
    assert queue.submit(JOB) is None
    assert queue.find(JOB) is None
    assert queue.describe(["x"]) == {}


def detail(**more: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "batch_job_failed.json").read_text())["detail"]
    return {**event, **more}


def attempt(reason: str | None = None, status_reason: str | None = None, exit_code: int | None = None) -> Any:
    container = {"reason": reason, "exitCode": exit_code}
    return {
        "container": {name: value for name, value in container.items() if value is not None},
        "statusReason": status_reason,
    }


@pytest.mark.parametrize(
    ("last", "status_reason", "code"),
    [
        (
            attempt("OutOfMemoryError: Container killed due to memory usage", exit_code=137),
            "",
            "out_of_memory",
        ),
        (attempt(exit_code=137), "Essential container in task exited", "out_of_memory"),
        (attempt(exit_code=1), "Essential container in task exited", "container_error"),
        (attempt(), "Job attempt duration exceeded timeout", "timed_out"),
        (attempt(exit_code=137), "Job attempt duration exceeded timeout", "timed_out"),
        (attempt(status_reason="Host EC2 (instance i-0) terminated."), "Host EC2 terminated", "host_lost"),
        (attempt("CannotPullContainerError: no such image"), "Task failed to start", "not_started"),
        (attempt("DockerTimeoutError: could not start"), "Task failed to start", "not_started"),
        (attempt(), "Dependent Job failed", "no_snapshot"),
    ],
)
def test_a_death_is_told_in_our_words_with_batchs_own_behind(
    last: Any, status_reason: str, code: str
) -> None:
    job = queued_job(detail(attempts=[attempt("CannotPullContainerError"), last], statusReason=status_reason))
    assert job.state is QueuedState.FAILED
    assert job.death is not None
    assert job.death.code == code
    said = [status_reason, last["container"].get("reason"), last["statusReason"]]
    assert all(words in job.death.message for words in said if words)


def test_a_job_that_failed_without_an_attempt_has_a_reason_too() -> None:
    job = queued_job(detail(attempts=[], container={}, statusReason="x" * 1000))
    assert job.death is not None
    assert (job.death.code, len(job.death.message)) == ("container_error", 500)


def test_an_event_tells_what_a_description_tells() -> None:
    job = queued_job(detail(status="RUNNING", startedAt=1_700_000_000_000))
    assert (job.queue_id, job.state) == ("4c7599ae-0a82-49aa-ba5a-4727fcce14a8", QueuedState.RUNNING)
    assert job.since == datetime.fromtimestamp(1_700_000_000, UTC)
    assert job.log_stream == "training/default/0f0d5b"
    assert job.death is None
