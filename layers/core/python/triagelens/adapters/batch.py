"""AWS Batch as the queue of training jobs, and what stands in for it where there is none.

Batch is told a job's id and nothing else: the record holds the rest.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from triagelens.domain.errors import TrainingNotDeployedError, UnavailableError
from triagelens.domain.ids import ULID_PATTERN
from triagelens.domain.training_jobs import LONGEST_MESSAGE, JobFailure, JobKind, TrainingJob
from triagelens.services.training_job_ports import QueuedJob, QueuedState

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

NAME = "triagelens-"
DESCRIBED_AT_ONCE = 100
RETRY_AFTER_S = 30
JOB_PARAMETER = "job_id"
STATES = {
    "SUBMITTED": QueuedState.WAITING,
    "PENDING": QueuedState.WAITING,
    "RUNNABLE": QueuedState.NO_MACHINE,
    "STARTING": QueuedState.WAITING,
    "RUNNING": QueuedState.RUNNING,
    "SUCCEEDED": QueuedState.SUCCEEDED,
    "FAILED": QueuedState.FAILED,
}
REFUSALS = frozenset({"ClientException", "TooManyRequestsException", "ThrottlingException"})
KILLED = 137  # exit code of a process that the kernel killed, for memory as a rule
# What Batch and ECS say of a death, and what it is called here. The first that is found counts.
DEATHS = (
    (re.compile(r"OutOfMemory|out of memory", re.IGNORECASE), "out_of_memory"),
    (re.compile(r"exceeded timeout|timed out", re.IGNORECASE), "timed_out"),
    (re.compile(r"dependent job", re.IGNORECASE), "no_snapshot"),
    (re.compile(r"^Host EC2|spot interruption|host .*terminated", re.IGNORECASE), "host_lost"),
    (
        re.compile(r"CannotPullContainer|CannotStartContainer|CannotCreateContainer|DockerTimeout"),
        "not_started",
    ),
)
WORDS = {
    "out_of_memory": "The container needed more memory than it has: try a smaller batch or image size",
    "timed_out": "The job took longer than it may",
    "host_lost": "The machines under it were taken back more often than it is started again",
    "no_snapshot": "The ingestion that should have made its snapshot has failed",
    "not_started": "The container could not be started",
    "container_error": "The container failed; its log says more",
}


@dataclass(frozen=True)
class BatchTarget:
    """Where jobs of a kind go: queue and job definition by name."""

    queue: str
    definition: str


class BatchQueue:
    """`services.training_job_ports.JobQueue` on AWS Batch."""

    def __init__(self, client: "BatchClient", targets: Mapping[JobKind, BatchTarget]) -> None:
        self._client = client
        self._targets = targets

    def check_deployed(self, kind: JobKind) -> None:
        if kind not in self._targets:
            raise TrainingNotDeployedError

    def submit(self, job: TrainingJob, after: str | None = None) -> str | None:
        self.check_deployed(job.kind)
        target = self._targets[job.kind]
        with _answering():
            submitted = self._client.submit_job(
                jobName=job_name(job.job_id),
                jobQueue=target.queue,
                jobDefinition=target.definition,
                parameters={JOB_PARAMETER: job.job_id},
                dependsOn=[{"jobId": after}] if after is not None else [],
            )
        return submitted["jobId"]

    def find(self, job: TrainingJob) -> str | None:
        self.check_deployed(job.kind)
        name = job_name(job.job_id)
        with _answering():
            found = self._client.list_jobs(
                jobQueue=self._targets[job.kind].queue, filters=[{"name": "JOB_NAME", "values": [name]}]
            )
        return next((entry["jobId"] for entry in found["jobSummaryList"] if entry["jobName"] == name), None)

    def cancel(self, queue_id: str, reason: str) -> None:
        with _answering():
            try:
                self._client.terminate_job(jobId=queue_id, reason=reason)
            except self._client.exceptions.ClientException:
                return  # it is forgotten, or was never Batch's: nothing is left to end

    def describe(self, queue_ids: Sequence[str]) -> dict[str, QueuedJob]:
        known = {}
        for start in range(0, len(queue_ids), DESCRIBED_AT_ONCE):
            with _answering():
                answer = self._client.describe_jobs(jobs=list(queue_ids[start : start + DESCRIBED_AT_ONCE]))
            for detail in answer["jobs"]:
                known[detail["jobId"]] = queued_job(detail)
        return known


class NoQueue:
    """`services.training_job_ports.JobQueue` of a deployment without training."""

    def check_deployed(self, kind: JobKind) -> None:
        raise TrainingNotDeployedError

    def submit(self, job: TrainingJob, after: str | None = None) -> str | None:
        raise TrainingNotDeployedError

    def find(self, job: TrainingJob) -> str | None:
        """It knows none: what was begun elsewhere can still be cancelled here."""
        return None

    def cancel(self, queue_id: str, reason: str) -> None:
        """Nothing runs here."""

    def describe(self, queue_ids: Sequence[str]) -> dict[str, QueuedJob]:
        return {}


class WorkerQueue(NoQueue):
    """`services.training_job_ports.JobQueue` of a laptop: its worker looks for queued records by itself."""

    def check_deployed(self, kind: JobKind) -> None:
        """Every kind of job is left for the worker."""

    def submit(self, job: TrainingJob, after: str | None = None) -> str | None:
        """The worker does the oldest job first, and so what a job waits for before it."""
        return None


@lru_cache
def batch_client(region: str) -> "BatchClient":
    config = Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.client("batch", region_name=region, config=config)


def job_name(job_id: str) -> str:
    """Batch's name of a job, by which it is found again."""
    return f"{NAME}{job_id}"


def job_id_of(name: str) -> str | None:
    """The job that a name is of; None if it is none of ours."""
    job_id = name.removeprefix(NAME)
    return job_id if name.startswith(NAME) and ULID_PATTERN.fullmatch(job_id) else None


def queued_job(detail: Mapping[str, Any]) -> QueuedJob:
    """A job as `DescribeJobs` and the state-change event both tell it."""
    state = STATES[detail["status"]]
    started = detail.get("startedAt") if state is QueuedState.RUNNING else None
    moment = started or detail.get("createdAt")
    return QueuedJob(
        queue_id=detail["jobId"],
        state=state,
        since=datetime.fromtimestamp(moment / 1000, UTC) if moment else None,
        reason=str(detail.get("statusReason") or ""),
        death=_death(detail) if state is QueuedState.FAILED else None,
        log_stream=(detail.get("container") or {}).get("logStreamName"),
    )


def _death(detail: Mapping[str, Any]) -> JobFailure:
    """What ended a failed job: how its last container ended decides, else what Batch says of the job."""
    attempts = detail.get("attempts") or []
    last = attempts[-1] if attempts else {}
    container = {**(detail.get("container") or {}), **(last.get("container") or {})}
    told = [container.get("reason"), last.get("statusReason"), detail.get("statusReason")]
    said = [str(words) for words in told if words]
    code = next((code for pattern, code in DEATHS if any(pattern.search(words) for words in said)), None)
    exit_code = container.get("exitCode")
    if code is None:
        code = "out_of_memory" if exit_code == KILLED else "container_error"
    details = [f"exit code {exit_code}"] if exit_code is not None else []
    details += list(dict.fromkeys(said))
    message = f"{WORDS[code]} ({'; '.join(details)})." if details else f"{WORDS[code]}."
    return JobFailure(code=code, message=message[:LONGEST_MESSAGE])


@contextmanager
def _answering() -> Iterator[None]:
    """Batch does not answer, slows down, or its queue is not there or closed: somebody asks again later.

    What a retry cannot mend, a missing permission above all, is raised as it is.
    """
    unavailable = UnavailableError("The training queue takes no order now.", RETRY_AFTER_S)
    try:
        yield
    except BotoCoreError as error:
        raise unavailable from error
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.response["Error"]["Code"] in REFUSALS:
            raise unavailable from error
        raise
