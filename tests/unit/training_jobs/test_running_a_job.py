"""A job's way from claim to end: what its record says, and with what status the process ends."""

from collections.abc import Callable

import pytest

from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import START, FakeClock
from training_job.errors import StoppedError, TrainingError
from training_job.jobs import entry
from training_job.jobs.listening import BEAT_S, JobListener
from training_job.jobs.run import DONE, FAILED, run_job
from triagelens.domain.errors import NotFoundError
from triagelens.domain.training_jobs import JobStatus, Report, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

HOST = Runner(runner_id="host", start=1)
OTHER = Runner(runner_id="host", start=2)


@pytest.fixture
def records() -> FakeJobRecords:
    return FakeJobRecords()


@pytest.fixture
def jobs(records: FakeJobRecords) -> TrainingJobs:
    return TrainingJobs(records, FakeClock())


@pytest.fixture
def job(records: FakeJobRecords) -> TrainingJob:
    return records.replace_job(new_job())


class Seconds:
    """A clock that goes on only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def cancel(records: FakeJobRecords, job_id: str) -> None:
    records.replace_job(records.job(job_id).model_copy(update={"cancel_requested": True}))


def test_work_that_is_done_ends_the_job_with_what_it_says(jobs: TrainingJobs, job: TrainingJob) -> None:
    assert run_job(job.job_id, HOST, jobs, lambda _: Report(metrics={"accuracy": 0.9})) == DONE
    ended = jobs.get(job.job_id)
    assert (ended.status, ended.progress, ended.metrics) == (JobStatus.COMPLETED, 1.0, {"accuracy": 0.9})


def test_a_job_that_runs_elsewhere_is_left_alone(jobs: TrainingJobs, job: TrainingJob) -> None:
    jobs.claim(job.job_id, Runner(runner_id="another host", start=1))
    told: list[str] = []

    def work(_: TrainingJob) -> Report:
        raise AssertionError("it is not ours")

    assert run_job(job.job_id, HOST, jobs, work, if_taken=lambda: told.append("taken")) == DONE
    assert told == ["taken"]
    assert jobs.get(job.job_id).status is JobStatus.RUNNING


@pytest.mark.parametrize(
    ("error", "code"),
    [(TrainingError("It cannot be done."), "training_failed"), (NotFoundError("It is gone."), "not_found")],
)
def test_a_failure_is_written_down_and_the_queue_sees_it_too(
    jobs: TrainingJobs, job: TrainingJob, error: Exception, code: str
) -> None:
    def work(_: TrainingJob) -> Report:
        raise error

    assert run_job(job.job_id, HOST, jobs, work) == FAILED
    ended = jobs.get(job.job_id)
    assert ended.status is JobStatus.FAILED
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.message) == (code, str(error))


def test_what_is_not_foreseen_is_left_to_who_watches_the_process(
    jobs: TrainingJobs, job: TrainingJob
) -> None:
    def work(_: TrainingJob) -> Report:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_job(job.job_id, HOST, jobs, work)
    assert jobs.get(job.job_id).status is JobStatus.RUNNING


def taken_over(jobs: TrainingJobs, _: FakeJobRecords, job_id: str) -> None:
    jobs.claim(job_id, OTHER)


def cancelled(_: TrainingJobs, records: FakeJobRecords, job_id: str) -> None:
    cancel(records, job_id)


@pytest.mark.parametrize("happening", [taken_over, cancelled])
@pytest.mark.parametrize("fails", [False, True])
def test_a_job_that_is_no_longer_this_attempts_is_left_as_it_is(
    records: FakeJobRecords,
    jobs: TrainingJobs,
    job: TrainingJob,
    happening: Callable[[TrainingJobs, FakeJobRecords, str], None],
    fails: bool,
) -> None:
    def work(claimed: TrainingJob) -> Report:
        happening(jobs, records, claimed.job_id)
        if fails:
            raise TrainingError("It cannot be done.")
        return Report(metrics={"accuracy": 0.9})

    assert run_job(job.job_id, HOST, jobs, work) == DONE
    left = jobs.get(job.job_id)
    assert (left.status, left.metrics, left.failure) == (JobStatus.RUNNING, {}, None)


def test_progress_is_the_epochs_done_and_nothing_else(jobs: TrainingJobs, job: TrainingJob) -> None:
    listener = JobListener(jobs, jobs.claim(job.job_id, HOST), clock=Seconds())
    listener.stage("Fetching images")
    assert (jobs.get(job.job_id).message, jobs.get(job.job_id).progress) == ("Fetching images", 0.0)
    listener.begin(30, 7, 14)
    listener.step()
    assert (jobs.get(job.job_id).message, jobs.get(job.job_id).progress) == ("Epoch 14/30", 14 / 30)
    listener.epoch({"loss": 0.5})
    assert (jobs.get(job.job_id).message, jobs.get(job.job_id).progress) == ("Epoch 15/30", 0.5)
    assert jobs.get(job.job_id).metrics == {"loss": 0.5}


def test_a_long_epoch_beats(records: FakeJobRecords, job: TrainingJob) -> None:
    wall, seconds = FakeClock(), Seconds()
    jobs = TrainingJobs(records, wall)
    listener = JobListener(jobs, jobs.claim(job.job_id, HOST), clock=seconds)
    wall.now = START.replace(hour=11)
    listener.step()
    assert jobs.get(job.job_id).heartbeat_at == START, "not yet due"
    seconds.now += BEAT_S
    listener.step()
    assert jobs.get(job.job_id).heartbeat_at == wall.now


def test_a_cancelled_job_stops_at_its_next_beat(
    records: FakeJobRecords, jobs: TrainingJobs, job: TrainingJob
) -> None:
    seconds = Seconds()
    listener = JobListener(jobs, jobs.claim(job.job_id, HOST), clock=seconds)
    cancel(records, job.job_id)
    listener.step()
    seconds.now += BEAT_S
    with pytest.raises(StoppedError, match="cancelled"):
        listener.step()
    with pytest.raises(StoppedError):
        listener.stage("Exporting")


def test_of_several_processes_none_stops_before_the_epoch_is_over(
    records: FakeJobRecords, jobs: TrainingJobs, job: TrainingJob
) -> None:
    listener = JobListener(jobs, jobs.claim(job.job_id, HOST), alone=False, clock=Seconds())
    listener.begin(3, 1, 0)
    assert listener.goes_on()
    cancel(records, job.job_id)
    listener.step()
    listener.epoch({"loss": 1.0})
    assert not listener.goes_on()


def test_on_a_machine_with_several_gpus_the_command_starts_itself_on_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: became.append(command))
    entry.start_on_each(4, "job")
    (command,) = became
    assert command[1:5] == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4"]
    assert command[5:] == ["-m", "training_job", "run", "job"]
