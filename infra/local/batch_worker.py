"""The laptop's AWS Batch: takes queued jobs and runs the container's own command, one at a time.

A job runs in the training environment, which has torch, in a process of its own. A cancelled job is
stopped; one whose worker was killed is taken up by the next, under a new attempt.
"""

import fcntl
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from infra.config import ROOT
from infra.local.cloud import Cloud, progress
from infra.local.environment import REGION
from infra.local.server import LaptopCloudError
from triagelens.adapters.batch import WorkerQueue
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.errors import OutdatedError
from triagelens.domain.training_jobs import JobFailure, Runner, TrainingJob
from triagelens.services.job_submission import Submission
from triagelens.services.ports import Clock
from triagelens.services.training_job_ports import JobRecords
from triagelens.services.training_jobs import changed

TRAINING_PYTHON = ROOT / ".venv-training" / "bin" / "python"
WORKER = "laptop"
POLL_S = 1.0
STOP_S = 10.0


class Process(Protocol):
    """As much of `subprocess.Popen` as the worker uses."""

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Launcher(Protocol):
    """Starts a job's process."""

    def start(self, job: TrainingJob, runner: Runner) -> Process: ...

    def log_of(self, job: TrainingJob) -> Path:
        """Where the process writes what it has to say."""


@dataclass(frozen=True)
class LaptopWorker:
    """Does open jobs. There is one worker at a time, so that what runs for another is known to be dead."""

    records: JobRecords
    launcher: Launcher
    clock: Clock
    pause: Callable[[float], None] = time.sleep

    def work(self, *, until_idle: bool = False) -> None:
        """Does job after job, for ever or until there is none left."""
        while True:
            job = self._next()
            if job is not None:
                self._do(job)
            elif until_idle:
                return
            else:
                self.pause(POLL_S)

    @property
    def _submission(self) -> Submission:
        return Submission(self.records, WorkerQueue(), self.clock)

    def _next(self) -> TrainingJob | None:
        """The oldest job that is this worker's to do; what was cancelled meanwhile is ended."""
        for job in self.records.open_jobs():
            if job.cancel_requested:
                self._submission.complete_cancellation(job)
            elif job.may_be_claimed_by(_runner(job), self.clock()):
                return job
        return None

    def _do(self, job: TrainingJob) -> None:
        log = str(self.launcher.log_of(job))
        changed(self.records, job.job_id, lambda job: job.model_copy(update={"log_location": log}))
        runner = _runner(job)
        progress(f"{job.kind} {job.job_id}: start {runner.start}, log {log}")
        process = self.launcher.start(job, runner)
        try:
            status = self._wait(job, runner, process)
        except BaseException:  # Ctrl-C too: the job is left for the next worker, its process is not
            stop(process)
            raise
        self._settle(job, runner, status)

    def _wait(self, job: TrainingJob, runner: Runner, process: Process) -> int:
        """The exit status. Who cancels the job, or takes it over, stops the process."""
        while True:
            try:
                return process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                now = self.records.job(job.job_id)
                if now.cancel_requested or not now.is_open or now.runner not in (job.runner, runner):
                    return stop(process)

    def _settle(self, job: TrainingJob, runner: Runner, status: int) -> None:
        """Ends a job whose process ended without a word."""
        now = self.records.job(job.job_id)
        if now.cancel_requested:
            now = self._submission.complete_cancellation(now)
        elif now.is_open and now.runner in (job.runner, runner):
            try:
                now = self._submission.fail(now, _death(status, self.launcher.log_of(job)))
            except OutdatedError:  # it was cancelled at the same moment: the next round sees to it
                return
        progress(f"{job.kind} {job.job_id}: {now.status}, {now.message}")


def _runner(job: TrainingJob) -> Runner:
    """This worker's next start of a job: later than all that a worker has made before."""
    return Runner(runner_id=WORKER, start=job.attempt + 1)


def _death(status: int, log: Path) -> JobFailure:
    ended = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with exit code {status}"
    return JobFailure(
        code="container_error", message=f"The process ended {ended} and said nothing; its log is {log}."
    )


def stop(process: Process) -> int:
    """End a process, first politely; its exit status."""
    process.terminate()
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@dataclass(frozen=True)
class TrainingEnvironment:
    """`Launcher` of the real thing: the container's command in the training environment.

    Attributes:
        python: of the training environment.
        folder: where each job has a folder of its own.
    """

    python: Path
    folder: Path
    environment: dict[str, str]

    @classmethod
    def of(cls, cloud: Cloud, python: Path = TRAINING_PYTHON) -> "TrainingEnvironment":
        """For the jobs of a laptop cloud.

        Raises:
            LaptopCloudError: there is no training environment.
        """
        if not python.exists():
            raise LaptopCloudError(
                f"the training environment is not there ({python.parents[1]}): `make worker` makes it, "
                "which takes a few minutes the first time"
            )
        return cls(python, Path(cloud.server.folder, "jobs"), environment_of(cloud))

    def start(self, job: TrainingJob, runner: Runner) -> Process:
        log = self.log_of(job)
        log.parent.mkdir(parents=True, exist_ok=True)
        told = {"AWS_BATCH_JOB_ID": runner.runner_id, "AWS_BATCH_JOB_ATTEMPT": str(runner.start)}
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(self.python), "-m", "training_job", "run", job.job_id],
                cwd=log.parent,
                env={**self.environment, **told},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def log_of(self, job: TrainingJob) -> Path:
        return self.folder / job.job_id / "log.txt"


def environment_of(cloud: Cloud) -> dict[str, str]:
    """What the container is told on AWS, for the laptop cloud."""
    outputs = cloud.outputs
    return {
        **cloud.server.environment,
        "STAGE": "laptop",
        "REGISTRY_TABLE": outputs["RegistryTable"],
        "CASEWORK_TABLE": outputs["CaseworkTable"],
        "LEARNING_BUCKET": outputs["LearningBucket"],
        "IMAGES_BUCKET": outputs["ImagesBucket"],
        "MODELS_BUCKET": outputs["ModelsBucket"],
    }


def worker_of(cloud: Cloud, launcher: Launcher) -> LaptopWorker:
    """A worker on the records of a laptop cloud, which this process's environment must point at."""
    records = DynamoTrainingJobs(cloud.outputs["RegistryTable"], REGION)
    return LaptopWorker(records, launcher, lambda: datetime.now(UTC))


@contextmanager
def only_worker(folder: Path) -> Iterator[None]:
    """No two workers on one laptop cloud.

    Raises:
        LaptopCloudError: there is one already.
    """
    with (folder / "worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaptopCloudError("another worker does the jobs of this laptop cloud") from None
        yield
