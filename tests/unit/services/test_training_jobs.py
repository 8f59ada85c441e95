"""Claims, attempts and fences: of all who run a job, one at a time may write for it."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import FakeClock
from triagelens.domain.errors import FencedError, JobTakenError
from triagelens.domain.training_jobs import HEARTBEAT_LOST, JobStatus, Report, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = Runner(runner_id="batch-1", start=1)
AGAIN = Runner(runner_id="batch-1", start=2)
OTHER = Runner(runner_id="batch-2", start=1)


class Desk:
    """The service on fakes, and one queued job."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.records = FakeJobRecords()
        self.jobs = TrainingJobs(self.records, self.clock)
        self.job_id = self.records.add_job(new_job(), None).job_id
        self.held: dict[int, int] = {}

    @property
    def job(self) -> TrainingJob:
        return self.jobs.get(self.job_id)

    def cancel(self) -> None:
        self.records.replace_job(self.job.model_copy(update={"cancel_requested": True}))

    def do(self, verb: str, worker: int, number: int) -> None:
        """One step of a random story: `worker` writes with the attempt that it holds."""
        attempt = self.held.get(worker, 0)
        if verb == "claim":
            runner = Runner(runner_id=str(worker), start=number)
            self.held[worker] = self.jobs.claim(self.job_id, runner).attempt
        elif verb == "report":
            self.jobs.report(self.job_id, attempt, Report(progress=number / 3))
        elif verb == "finish":
            self.jobs.finish(self.job_id, attempt)
        elif verb == "fail":
            self.jobs.fail(self.job_id, attempt, "why", "Why")
        elif verb == "cancel":
            self.cancel()
        else:
            self.clock.now += HEARTBEAT_LOST


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_claim_starts_the_job(desk: Desk) -> None:
    job = desk.jobs.claim(desk.job_id, FIRST, "log-stream")
    assert (job.status, job.attempt, job.started_at) == (JobStatus.RUNNING, 1, desk.clock.now)
    assert job.log_location == "log-stream"
    assert job == desk.job


def test_of_many_who_claim_at_once_one_gets_the_job(desk: Desk) -> None:
    def claims(number: int) -> bool:
        try:
            desk.jobs.claim(desk.job_id, Runner(runner_id=f"batch-{number}", start=1))
        except JobTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claims, range(40))) == 1
    assert desk.job.attempt == 1


def test_a_second_submission_of_the_same_job_gets_nothing(desk: Desk) -> None:
    desk.jobs.claim(desk.job_id, FIRST)
    for runner in (OTHER, FIRST):
        with pytest.raises(JobTakenError):
            desk.jobs.claim(desk.job_id, runner)
    assert desk.job.runner == FIRST


def test_a_restart_after_a_lost_host_takes_over_at_once_and_fences_the_first(desk: Desk) -> None:
    old = desk.jobs.claim(desk.job_id, FIRST)
    new = desk.jobs.claim(desk.job_id, AGAIN)
    assert new.attempt == old.attempt + 1
    assert new.message == "Started again (attempt 2)"
    writes: list[Callable[[], object]] = [
        lambda: desk.jobs.report(desk.job_id, old.attempt, Report(progress=0.9)),
        lambda: desk.jobs.finish(desk.job_id, old.attempt),
        lambda: desk.jobs.fail(desk.job_id, old.attempt, "late", "Too late"),
    ]
    for write in writes:
        with pytest.raises(FencedError):
            write()
    assert desk.job == new


def test_a_silent_runner_loses_the_job_to_another_and_a_talking_one_does_not(desk: Desk) -> None:
    job = desk.jobs.claim(desk.job_id, FIRST)
    desk.clock.now += HEARTBEAT_LOST
    desk.jobs.report(desk.job_id, job.attempt)
    desk.clock.now += HEARTBEAT_LOST
    with pytest.raises(JobTakenError):
        desk.jobs.claim(desk.job_id, OTHER)
    desk.clock.advance(seconds=1)
    assert desk.jobs.claim(desk.job_id, OTHER).attempt == 2


def test_a_report_says_what_it_says_and_leaves_the_rest(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt
    desk.jobs.report(desk.job_id, attempt, Report(progress=0.5, message="Epoch 15/30", metrics={"loss": 0.2}))
    desk.clock.advance(minutes=1)
    job = desk.jobs.report(desk.job_id, attempt, Report(snapshot_id="s1"))
    assert (job.progress, job.message, job.metrics) == (0.5, "Epoch 15/30", {"loss": 0.2})
    assert (job.snapshot_id, job.heartbeat_at) == ("s1", desk.clock.now)


def test_a_cancelled_job_refuses_every_report_and_every_claim(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt
    desk.cancel()
    with pytest.raises(FencedError, match="cancelled"):
        desk.jobs.report(desk.job_id, attempt, Report(progress=0.5))
    with pytest.raises(FencedError, match="cancelled"):
        desk.jobs.finish(desk.job_id, attempt)
    with pytest.raises(JobTakenError):
        desk.jobs.claim(desk.job_id, AGAIN)


def test_a_cancellation_between_reading_and_writing_wins(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt
    desk.records.before_write = desk.cancel
    with pytest.raises(FencedError):
        desk.jobs.finish(desk.job_id, attempt)
    assert desk.job.status is JobStatus.RUNNING
    assert desk.job.cancel_requested


def test_a_write_by_somebody_else_in_between_loses_no_report(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt

    def note_batch_job() -> None:
        desk.records.replace_job(desk.job.model_copy(update={"batch_job_id": "b1"}))

    desk.records.before_write = note_batch_job
    job = desk.jobs.report(desk.job_id, attempt, Report(progress=0.25))
    assert (job.batch_job_id, job.progress) == ("b1", 0.25)


def test_ending_twice_changes_nothing_and_nothing_follows_an_end(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt
    done = desk.jobs.finish(desk.job_id, attempt, Report(metrics={"accuracy": 0.9}, model_version="v1"))
    assert (done.status, done.progress, done.completed_at) == (JobStatus.COMPLETED, 1.0, desk.clock.now)
    desk.clock.advance(minutes=1)
    assert desk.jobs.finish(desk.job_id, attempt) == done
    with pytest.raises(FencedError):
        desk.jobs.fail(desk.job_id, attempt, "late", "Too late")
    with pytest.raises(JobTakenError):
        desk.jobs.claim(desk.job_id, AGAIN)


def test_a_failure_keeps_its_reason(desk: Desk) -> None:
    attempt = desk.jobs.claim(desk.job_id, FIRST).attempt
    job = desk.jobs.fail(desk.job_id, attempt, "too_few_images", "x" * 2000)
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert (job.failure.code, len(job.failure.message)) == ("too_few_images", 500)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "report", "finish", "fail", "cancel", "wait"]),
        st.integers(0, 2),
        st.integers(1, 3),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_only_the_latest_attempt_writes_and_an_end_is_the_end(
    steps: list[tuple[str, int, int]],
) -> None:
    desk = Desk()
    for verb, worker, number in steps:
        before, attempt = desk.job, desk.held.get(worker, 0)
        try:
            desk.do(verb, worker, number)
        except (FencedError, JobTakenError):
            assert desk.job == before
            continue
        after = desk.job
        if before.status.is_final and verb != "cancel":
            assert after == before
        if verb in ("report", "finish", "fail"):
            assert attempt == before.attempt == after.attempt >= 1
            assert after == before or not before.cancel_requested
        if verb == "claim":
            assert after.attempt == before.attempt + 1
            assert list(desk.held.values()).count(after.attempt) == 1
