"""The function that watches: from Batch's event, and from the clock, to the record."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

import watch_training.settings
import watch_training.wiring
from tests.cloud import REGION, Cloud, FakeContext
from tests.fake_training_jobs import new_job
from tests.fakes import START
from triagelens.adapters.batch import job_name
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.datasets import Dataset, DatasetForm, DatasetStatus
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import JobKind, JobStatus, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs
from watch_training.handler import handler

EVENT = Path(__file__).parents[1] / "events" / "batch_job_failed.json"
ENVIRONMENT = {
    "TRAINING_QUEUE": "triagelens-dev-training",
    "TRAINING_DEFINITION": "triagelens-dev-training",
    "INGEST_QUEUE": "triagelens-dev-ingest",
    "INGEST_DEFINITION": "triagelens-dev-ingest",
    "JOB_LOG_GROUP": "/triagelens/dev/training",
}
SWEEP = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


class Watched:
    """The handler, the table, and what Batch is about to be asked."""

    def __init__(self, stub: Stubber) -> None:
        self.batch = stub
        self.records = DynamoTrainingJobs("registry", REGION)

    def add(self, **more: Any) -> TrainingJob:
        return self.records.add_job(new_job(created_at=datetime.now(UTC), **more), None)

    def claim(self, job: TrainingJob, start: int = 1) -> int:
        jobs = TrainingJobs(self.records, lambda: datetime.now(UTC))
        return jobs.claim(job.job_id, Runner(runner_id=str(job.batch_job_id), start=start)).attempt

    def happens(self, job_id: str, **detail: Any) -> TrainingJob:
        event: dict[str, Any] = json.loads(EVENT.read_text())
        event["detail"] |= {"jobName": job_name(job_id), **detail}
        handler(event, FakeContext())
        return self.records.job(job_id)

    def sweep(self) -> None:
        handler(dict(SWEEP), FakeContext())


@pytest.fixture
def watched(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("batch", region_name=REGION)
    monkeypatch.setattr(watch_training.wiring, "batch_client", lambda _region: client)
    watch_training.settings.settings.cache_clear()
    watch_training.wiring.job_watch.cache_clear()
    with Stubber(client) as stub:
        yield Watched(stub)
        stub.assert_no_pending_responses()
    watch_training.settings.settings.cache_clear()
    watch_training.wiring.job_watch.cache_clear()


def test_a_failed_container_is_told_to_who_started_the_job(watched: Watched) -> None:
    job = watched.add(batch_job_id="b-1")
    watched.claim(job)
    after = watched.happens(job.job_id, jobId="b-1")
    assert after.status is JobStatus.FAILED
    assert after.failure is not None
    assert after.failure.code == "container_error"
    assert "exit code 1" in after.message
    assert after.log_location == "/triagelens/dev/training:training/default/0f0d5b"
    assert watched.happens(job.job_id, jobId="b-1") == after  # events come more than once


def test_a_container_that_runs_says_where_its_log_is(watched: Watched) -> None:
    job = watched.add(batch_job_id="b-1")
    attempt = watched.claim(job)
    after = watched.happens(job.job_id, jobId="b-1", status="RUNNING")
    assert (after.status, after.attempt) == (JobStatus.RUNNING, attempt)
    assert after.log_location == "/triagelens/dev/training:training/default/0f0d5b"


def test_events_of_others_and_of_jobs_without_a_record_are_left_alone(watched: Watched) -> None:
    job = watched.add(batch_job_id="b-1")
    assert watched.happens(job.job_id, jobId="b-2") == job
    event = json.loads(EVENT.read_text())
    for name in ("nightly-report", event["detail"]["jobName"]):
        event["detail"]["jobName"] = name
        handler(event, FakeContext())
    assert watched.records.open_jobs() == [job]


def test_the_sweep_submits_what_was_never_submitted(watched: Watched) -> None:
    old = datetime.now(UTC) - timedelta(hours=1)
    job = watched.records.add_job(new_job(created_at=old, kind=JobKind.INGEST), None)
    name = job_name(job.job_id)
    watched.batch.add_response("list_jobs", {"jobSummaryList": []})
    watched.batch.add_response(
        "submit_job",
        {"jobName": name, "jobId": "b-7"},
        {
            "jobName": name,
            "jobQueue": "triagelens-dev-ingest",
            "jobDefinition": "triagelens-dev-ingest",
            "parameters": {"job_id": job.job_id},
            "dependsOn": [],
        },
    )
    watched.sweep()
    assert watched.records.job(job.job_id).batch_job_id == "b-7"


def test_the_sweep_asks_batch_about_every_open_job_at_once(watched: Watched) -> None:
    jobs = [watched.add(batch_job_id=f"b-{number}") for number in range(3)]
    details = [
        {"jobId": job.batch_job_id, "jobName": job_name(job.job_id), "jobQueue": "q", "jobDefinition": "d"}
        | {"status": status, "startedAt": 0, "statusReason": "Host EC2 (i-0) terminated."}
        for job, status in zip(jobs, ["FAILED", "STARTING", "SUCCEEDED"], strict=True)
    ]
    watched.batch.add_response("describe_jobs", {"jobs": details}, {"jobs": ["b-0", "b-1", "b-2"]})
    watched.sweep()
    after = [watched.records.job(job.job_id) for job in jobs]
    assert [job.failure.code if job.failure else None for job in after] == ["host_lost", None, "no_report"]
    assert [job.job_id for job in watched.records.open_jobs()] == [jobs[1].job_id]


@pytest.mark.parametrize("taken_up_again", [False, True])
def test_a_dataset_does_not_wait_for_a_dead_ingestion(watched: Watched, taken_up_again: bool) -> None:
    datasets, dataset_id = DynamoDatasets("registry", REGION), new_id()
    job = watched.add(kind=JobKind.INGEST, dataset_id=dataset_id, batch_job_id="b-1")
    dataset = Dataset(
        dataset_id=dataset_id,
        name="d",
        specialty="skin",
        form=DatasetForm.ARCHIVE,
        status=DatasetStatus.INGESTING,
        upload_id=new_id(),
        job_id=new_id() if taken_up_again else job.job_id,
        created_by="researcher",
        correlation_id="request",
        created_at=START,
        updated_at=START,
    )
    before = datasets.add_dataset(dataset)
    watched.happens(job.job_id, jobId="b-1")
    after = datasets.dataset(dataset_id)
    if taken_up_again:
        assert after == before
    else:
        assert after.status is DatasetStatus.FAILED
        assert after.failure is not None
        assert after.failure.code == "container_error"


def test_nothing_is_asked_while_no_job_is_open(watched: Watched) -> None:
    watched.sweep()
    assert watched.records.open_jobs() == []
