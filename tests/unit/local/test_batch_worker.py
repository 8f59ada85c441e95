"""The laptop's worker: one job at a time, cancelled jobs stopped, nothing left behind by a dead worker."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.batch_worker import (
    LaptopWorker,
    Process,
    TrainingEnvironment,
    environment_of,
    only_worker,
    stop,
)
from infra.local.cloud import Cloud
from infra.local.server import LaptopCloudError, Server
from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import FakeClock
from triagelens.adapters.batch import WorkerQueue
from triagelens.domain.training_jobs import JobStatus, Report, Runner, TrainingJob
from triagelens.services.job_submission import Submission
from triagelens.services.training_jobs import TrainingJobs


@dataclass
class FakeProcess:
    """Runs `work` while it is waited for; then it has ended, or it goes on until somebody stops it."""

    work: Callable[[], int | None]
    status: int | None = None
    stopped: bool = False

    def wait(self, timeout: float | None = None) -> int:
        if self.status is None:
            self.status = self.work()
        if self.status is None:
            raise subprocess.TimeoutExpired("job", timeout or 0)
        return self.status

    def terminate(self) -> None:
        self.status, self.stopped = -15, True

    def kill(self) -> None:
        self.status, self.stopped = -9, True


@dataclass
class Desk:
    """A worker on fakes, and what its processes do."""

    records: FakeJobRecords = field(default_factory=FakeJobRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    behave: Callable[[TrainingJob, Runner], int | None] = lambda _job, _runner: 0
    started: list[tuple[str, Runner]] = field(default_factory=list)
    processes: list[FakeProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.container = TrainingJobs(self.records, self.clock)
        self.worker = LaptopWorker(self.records, self, self.clock, pause=lambda _s: None)

    def start(self, job: TrainingJob, runner: Runner) -> Process:
        self.started.append((job.job_id, runner))
        process = FakeProcess(lambda: self.behave(job, runner))
        self.processes.append(process)
        return process

    def log_of(self, job: TrainingJob) -> Path:
        return Path("/jobs", job.job_id, "log.txt")

    def add(self, **more: object) -> str:
        return self.records.add_job(new_job(**more), None).job_id

    def finishes(self, job: TrainingJob, runner: Runner) -> int:
        attempt = self.container.claim(job.job_id, runner).attempt
        self.container.finish(job.job_id, attempt, Report(metrics={"accuracy": 1.0}))
        return 0

    def claims_and_goes_on(self, job: TrainingJob, runner: Runner) -> None:
        if self.records.job(job.job_id).runner != runner:
            self.container.claim(job.job_id, runner)

    def cancel(self, job_id: str) -> None:
        Submission(self.records, WorkerQueue(), self.clock).cancel(job_id)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_queued_jobs_are_done_one_after_the_other_the_oldest_first(desk: Desk) -> None:
    ids = [desk.add() for _ in range(3)]
    desk.behave = desk.finishes
    desk.worker.work(until_idle=True)
    assert [job_id for job_id, _ in desk.started] == ids
    assert {desk.records.job(job_id).status for job_id in ids} == {JobStatus.COMPLETED}
    assert desk.records.job(ids[0]).log_location == f"/jobs/{ids[0]}/log.txt"


def test_a_process_that_dies_without_a_word_fails_its_job_once(desk: Desk) -> None:
    job_id = desk.add()
    desk.behave = lambda _job, _runner: 3
    desk.worker.work(until_idle=True)
    job = desk.records.job(job_id)
    assert job.status is JobStatus.FAILED
    assert "exit code 3" in job.message
    assert len(desk.started) == 1


def test_a_process_that_is_killed_after_its_claim_fails_its_job(desk: Desk) -> None:
    job_id = desk.add()

    def dies(job: TrainingJob, runner: Runner) -> int:
        desk.container.claim(job.job_id, runner)
        return -9

    desk.behave = dies
    desk.worker.work(until_idle=True)
    job = desk.records.job(job_id)
    assert (job.status, job.attempt) == (JobStatus.FAILED, 1)
    assert "SIGKILL" in job.message


@pytest.mark.parametrize("claimed", [True, False])
def test_a_cancelled_job_loses_its_process(desk: Desk, claimed: bool) -> None:
    job_id = desk.add()

    def is_cancelled(job: TrainingJob, runner: Runner) -> None:
        if claimed:
            desk.claims_and_goes_on(job, runner)
        desk.cancel(job_id)

    desk.behave = is_cancelled
    desk.worker.work(until_idle=True)
    assert desk.records.job(job_id).status is JobStatus.CANCELLED
    assert [process.stopped for process in desk.processes] == [True]


def test_a_job_whose_cancellation_stopped_half_way_is_ended_and_not_begun(desk: Desk) -> None:
    job_id = desk.add(cancel_requested=True)
    desk.worker.work(until_idle=True)
    assert desk.records.job(job_id).status is JobStatus.CANCELLED
    assert not desk.started


def test_what_a_killed_worker_left_is_taken_up_by_the_next_under_a_new_attempt(desk: Desk) -> None:
    job_id = desk.add()

    def interrupted(job: TrainingJob, runner: Runner) -> None:
        desk.claims_and_goes_on(job, runner)
        raise KeyboardInterrupt

    desk.behave = interrupted
    with pytest.raises(KeyboardInterrupt):
        desk.worker.work(until_idle=True)
    assert desk.processes[0].stopped
    assert desk.records.job(job_id).status is JobStatus.RUNNING
    desk.behave = desk.finishes
    desk.worker.work(until_idle=True)
    job = desk.records.job(job_id)
    assert (job.status, job.attempt) == (JobStatus.COMPLETED, 2)
    assert [runner.start for _, runner in desk.started] == [1, 2]


def test_a_job_that_somebody_runs_by_hand_is_left_to_them(desk: Desk) -> None:
    job_id = desk.add()
    desk.container.claim(job_id, Runner(runner_id="by-hand", start=1))
    desk.worker.work(until_idle=True)
    assert not desk.started


def test_a_process_whose_job_was_taken_over_is_stopped_and_the_job_is_not_failed(desk: Desk) -> None:
    job_id = desk.add()

    def taken_over(job: TrainingJob, runner: Runner) -> None:
        desk.claims_and_goes_on(job, runner)
        desk.container.claim(job_id, Runner(runner_id="laptop", start=9))
        desk.behave = desk.finishes

    desk.behave = taken_over
    job = desk.records.open_jobs()[0]
    desk.worker._do(job)  # one job, and not what comes next
    assert desk.processes[0].stopped
    assert desk.records.job(job_id).status is JobStatus.RUNNING


def laptop(folder: Path) -> Cloud:
    names = ("RegistryTable", "CaseworkTable", "LearningBucket", "ImagesBucket", "ModelsBucket")
    return Cloud(Server("plain", str(folder), 4566, 1), {name: name.lower() for name in names})


def test_the_process_is_told_the_laptop_cloud_its_job_and_its_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-real-account")
    environment = environment_of(laptop(tmp_path))
    assert environment["AWS_ENDPOINT_URL"] == "http://localhost:4566"
    assert environment["STAGE"] == "laptop"
    assert environment["REGISTRY_TABLE"] == "registrytable"
    assert "AWS_PROFILE" not in environment


def test_a_real_process_is_started_with_the_containers_command_and_can_be_stopped(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\nimport os, sys, time\n"
        "told = [os.environ['AWS_BATCH_JOB_ID'], os.environ['AWS_BATCH_JOB_ATTEMPT']]\n"
        "print(*sys.argv[1:], *told, flush=True)\n"
        "time.sleep(600)\n"
    )
    python.chmod(0o755)
    launcher = TrainingEnvironment.of(laptop(tmp_path), python)
    job = new_job()
    process = launcher.start(job, Runner(runner_id="laptop", start=2))
    deadline = time.monotonic() + 30
    while not (said := launcher.log_of(job).read_text()) and time.monotonic() < deadline:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
    assert stop(process) == -15
    assert said.split() == ["-m", "training_job", "run", job.job_id, "laptop", "2"]


def test_a_laptop_without_the_training_environment_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LaptopCloudError, match="make worker"):
        TrainingEnvironment.of(laptop(tmp_path), tmp_path / "nowhere" / "bin" / "python")


def test_there_is_one_worker_at_a_time(tmp_path: Path) -> None:
    with (
        only_worker(tmp_path),
        pytest.raises(LaptopCloudError, match="another worker"),
        only_worker(tmp_path),
    ):
        pass
    with only_worker(tmp_path):
        pass
