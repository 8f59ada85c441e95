"""Jobs that die, hang, wait or were never submitted: found, and marked once."""

from datetime import timedelta

import pytest

from tests.fake_training_jobs import FakeJobQueue, FakeJobRecords, new_job
from tests.fakes import START, FakeClock
from triagelens.domain.errors import ConflictError, FencedError, UnavailableError
from triagelens.domain.training_jobs import (
    HEARTBEAT_LOST,
    JobFailure,
    JobStatus,
    Report,
    Runner,
    TrainingJob,
)
from triagelens.services.job_submission import LEFT_ALONE, Submission
from triagelens.services.job_watch import LONG_WAIT, SUBMITTING, JobWatch
from triagelens.services.training_job_ports import QueuedJob, QueuedState
from triagelens.services.training_jobs import TrainingJobs

KILLED = JobFailure(code="out_of_memory", message="Too little memory.")
LATER = timedelta(seconds=1)


class Tower:
    """Watch, submission and container on the same fakes, and one job."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.records, self.queue = FakeJobRecords(), FakeJobQueue()
        self.submission = Submission(self.records, self.queue, self.clock)
        self.died: list[TrainingJob] = []
        self.watch = JobWatch(
            self.records, self.queue, self.submission, self.clock, "/logs", on_death=self.died.append
        )
        self.container = TrainingJobs(self.records, self.clock)
        self.job_id = ""

    @property
    def job(self) -> TrainingJob:
        return self.records.job(self.job_id)

    def submitted(self) -> str:
        """A submitted job; the queue's id."""
        self.job_id = self.submission.enqueue(new_job(created_at=self.clock.now)).job_id
        return str(self.job.batch_job_id)

    def running(self) -> tuple[str, int]:
        """A job whose container has claimed it; the queue's id and the attempt."""
        queue_id = self.submitted()
        return queue_id, self.container.claim(self.job_id, Runner(runner_id=queue_id, start=1)).attempt

    def tell(
        self,
        queue_id: str,
        state: QueuedState,
        death: JobFailure | None = None,
        log_stream: str | None = None,
    ) -> QueuedJob:
        """What the queue says of a job from now on."""
        said = QueuedJob(queue_id, state, self.clock.now, death=death, log_stream=log_stream)
        self.queue.states[queue_id] = said
        return said

    def dies(self, queue_id: str) -> None:
        self.watch.state_changed(self.job_id, self.tell(queue_id, QueuedState.FAILED, death=KILLED))


@pytest.fixture
def tower() -> Tower:
    return Tower()


def test_a_dead_container_fails_its_job_with_the_reason(tower: Tower) -> None:
    queue_id, attempt = tower.running()
    tower.dies(queue_id)
    job = tower.job
    assert (job.status, job.failure, job.completed_at) == (JobStatus.FAILED, KILLED, tower.clock.now)
    assert tower.records.open_jobs() == []
    assert [died.job_id for died in tower.died] == [job.job_id]
    with pytest.raises(FencedError):
        tower.container.finish(tower.job_id, attempt)


def test_a_container_that_dies_before_it_claims_fails_its_job_too(tower: Tower) -> None:
    tower.dies(tower.submitted())
    assert tower.job.failure == KILLED


@pytest.mark.parametrize("end", ["finish", "fail"])
def test_the_end_that_a_container_reported_stands(tower: Tower, end: str) -> None:
    queue_id, attempt = tower.running()
    if end == "finish":
        reported = tower.container.finish(tower.job_id, attempt)
    else:
        reported = tower.container.fail(tower.job_id, attempt, "bad_images", "Bad images.")
    tower.dies(queue_id)
    tower.watch.sweep()
    assert tower.job == reported
    assert not tower.died


def test_the_end_of_another_submission_of_the_same_job_means_nothing(tower: Tower) -> None:
    queue_id, attempt = tower.running()
    before = tower.job
    tower.dies("batch-second")
    tower.watch.state_changed(tower.job_id, QueuedJob("batch-second", QueuedState.SUCCEEDED))
    assert tower.job == before
    assert tower.container.report(tower.job_id, attempt, Report(progress=1.0)).progress == 1.0
    tower.dies(queue_id)
    assert tower.job.status is JobStatus.FAILED


def test_a_container_that_ends_well_and_says_nothing_has_failed(tower: Tower) -> None:
    queue_id, _ = tower.running()
    tower.watch.state_changed(tower.job_id, tower.tell(queue_id, QueuedState.SUCCEEDED))
    assert tower.job.failure is not None
    assert tower.job.failure.code == "no_report"


def test_a_running_container_tells_where_its_log_is(tower: Tower) -> None:
    queue_id, _ = tower.running()
    tower.watch.state_changed(tower.job_id, tower.tell(queue_id, QueuedState.RUNNING, log_stream="s/1"))
    assert tower.job.log_location == "/logs:s/1"


def test_a_job_that_nobody_reports_on_is_stopped(tower: Tower) -> None:
    queue_id, attempt = tower.running()
    tower.tell(queue_id, QueuedState.RUNNING)
    tower.clock.now += HEARTBEAT_LOST
    assert tower.watch.sweep() == []
    tower.container.report(tower.job_id, attempt)
    tower.clock.now += HEARTBEAT_LOST
    assert tower.watch.sweep() == []
    tower.clock.now += LATER
    [job] = tower.watch.sweep()
    assert job.failure is not None
    assert job.failure.code == "silent"
    assert tower.queue.cancelled == [queue_id]
    assert tower.watch.sweep() == []


def test_a_container_that_starts_again_has_the_same_time_to_report(tower: Tower) -> None:
    queue_id, _ = tower.running()
    tower.clock.now += 2 * HEARTBEAT_LOST
    tower.tell(queue_id, QueuedState.RUNNING)
    assert tower.watch.sweep() == []


def test_a_job_that_the_queue_has_forgotten_is_lost(tower: Tower) -> None:
    queue_id, _ = tower.running()
    del tower.queue.states[queue_id]
    assert tower.watch.sweep() == []
    tower.clock.now += HEARTBEAT_LOST + LATER
    [job] = tower.watch.sweep()
    assert job.failure is not None
    assert job.failure.code == "lost"


def test_a_job_without_a_machine_says_why_it_waits(tower: Tower) -> None:
    queue_id = tower.submitted()
    tower.tell(queue_id, QueuedState.NO_MACHINE)
    tower.clock.now += LONG_WAIT
    assert tower.watch.sweep() == []
    tower.clock.now += LATER
    [job] = tower.watch.sweep()
    assert job.status is JobStatus.QUEUED
    assert "quota" in job.message
    assert tower.watch.sweep() == []  # said once
    stuck = QueuedJob(
        queue_id, QueuedState.NO_MACHINE, START, reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    )
    tower.queue.states[queue_id] = stuck
    [job] = tower.watch.sweep()
    assert job.message.endswith("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")


def test_a_job_whose_machine_was_taken_waits_for_another_and_does_not_fail(tower: Tower) -> None:
    queue_id, _ = tower.running()
    tower.clock.now += 3 * HEARTBEAT_LOST
    tower.tell(queue_id, QueuedState.NO_MACHINE)
    [job] = tower.watch.sweep()
    assert job.status is JobStatus.RUNNING
    assert job.message.startswith("The machine was lost; waiting for another one")
    again = tower.container.claim(tower.job_id, Runner(runner_id=queue_id, start=2))
    assert again.message == "Started again (attempt 2)"


def test_a_submission_that_failed_is_made_by_the_sweep_once(tower: Tower) -> None:
    tower.queue.down = True
    tower.job_id = tower.submission.enqueue(new_job()).job_id
    tower.queue.down = False
    assert tower.watch.sweep() == []  # the request may still be about to submit
    tower.clock.now += SUBMITTING
    [job] = tower.watch.sweep()
    assert (job.status, job.batch_job_id) == (JobStatus.QUEUED, "batch-1")
    tower.clock.now += SUBMITTING
    assert tower.watch.sweep() == []
    assert len(tower.queue.submitted) == 1


def test_a_job_waits_in_the_queue_for_the_one_before_it(tower: Tower) -> None:
    before = tower.submitted()
    waiting = tower.submission.enqueue(new_job(after=tower.job_id))
    assert tower.queue.waiting == {str(waiting.batch_job_id): before}


def test_a_job_is_submitted_only_once_the_queue_knows_the_one_before_it(tower: Tower) -> None:
    tower.queue.down = True
    earlier = tower.submission.enqueue(new_job(created_at=tower.clock.now))
    tower.queue.down = False
    waiting = tower.submission.enqueue(new_job(created_at=tower.clock.now, after=earlier.job_id))
    assert (waiting.batch_job_id, tower.queue.submitted) == (None, {})
    tower.clock.now += SUBMITTING
    tower.watch.sweep()
    assert list(tower.queue.submitted.values()) == [earlier.job_id, waiting.job_id]
    assert list(tower.queue.waiting.values()) == [tower.records.job(earlier.job_id).batch_job_id]


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_job_ends_with_the_one_before_it_unless_that_ended_well(tower: Tower, end: str) -> None:
    _, attempt = tower.running()
    if end == "complete":
        tower.container.finish(tower.job_id, attempt)
    elif end == "fail":
        tower.container.fail(tower.job_id, attempt, "no_images", "No images found!")
    else:
        tower.submission.cancel(tower.job_id)
    waiting = tower.submission.enqueue(new_job(after=tower.job_id))
    if end == "complete":
        assert (waiting.status, tower.queue.waiting) == (JobStatus.QUEUED, {})
        assert waiting.batch_job_id in tower.queue.submitted
    else:
        assert (waiting.status, waiting.failure) == (JobStatus.FAILED, LEFT_ALONE)
        assert waiting.job_id not in tower.queue.submitted.values()


def test_a_submission_whose_answer_was_lost_is_found_and_not_doubled(tower: Tower) -> None:
    tower.queue.forgetful = True
    tower.job_id = tower.submission.enqueue(new_job()).job_id
    assert tower.job.batch_job_id is None
    tower.queue.forgetful = False
    tower.clock.now += SUBMITTING
    tower.watch.sweep()
    assert tower.job.batch_job_id == "batch-1"
    assert len(tower.queue.submitted) == 1


def test_a_queue_that_does_not_answer_leaves_everything_for_the_next_sweep(tower: Tower) -> None:
    tower.queue.down = True
    tower.job_id = tower.submission.enqueue(new_job()).job_id
    before = tower.job
    tower.clock.now += SUBMITTING
    with pytest.raises(UnavailableError):
        tower.watch.sweep()
    assert tower.job == before


def test_a_job_cancelled_while_it_is_submitted_leaves_the_queue(tower: Tower) -> None:
    job = tower.records.add_job(new_job(), None)
    tower.job_id = job.job_id
    tower.queue.on_submit = lambda: tower.submission.cancel(job.job_id)
    after = tower.submission.hand_over(job)
    assert after.status is JobStatus.CANCELLED
    assert set(tower.queue.cancelled) == {"batch-1"}


def test_a_cancellation_that_stopped_half_way_is_completed_by_the_sweep(tower: Tower) -> None:
    queue_id, attempt = tower.running()
    tower.queue.down = True
    assert tower.submission.cancel(tower.job_id).status is JobStatus.RUNNING
    with pytest.raises(FencedError):
        tower.container.report(tower.job_id, attempt)
    tower.queue.down = False
    [job] = tower.watch.sweep()
    assert (job.status, job.failure) == (JobStatus.CANCELLED, None)
    assert tower.queue.cancelled == [queue_id]


def test_the_death_of_a_cancelled_container_is_a_cancellation(tower: Tower) -> None:
    queue_id, _ = tower.running()
    tower.queue.down = True
    tower.submission.cancel(tower.job_id)
    tower.queue.down = False
    tower.dies(queue_id)
    assert tower.job.status is JobStatus.CANCELLED
    assert not tower.died


def test_a_job_that_finishes_while_it_is_cancelled_is_one_or_the_other(tower: Tower) -> None:
    _, attempt = tower.running()
    tower.records.before_write = lambda: tower.container.finish(tower.job_id, attempt)
    with pytest.raises(ConflictError, match="has ended"):
        tower.submission.cancel(tower.job_id)
    assert tower.job.status is JobStatus.COMPLETED
    assert not tower.job.cancel_requested


def test_a_sweep_that_meets_a_report_leaves_the_job_alone(tower: Tower) -> None:
    queue_id, attempt = tower.running()
    tower.tell(queue_id, QueuedState.FAILED, death=KILLED)
    tower.records.before_write = lambda: tower.container.finish(tower.job_id, attempt)
    assert tower.watch.sweep() == []
    assert tower.job.status is JobStatus.COMPLETED
