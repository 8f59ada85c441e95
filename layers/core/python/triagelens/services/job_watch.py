"""Watching over jobs: who runs one reports for itself, and this catches those who cannot any more."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.errors import OutdatedError, UnavailableError
from triagelens.domain.training_jobs import HEARTBEAT_LOST, JobFailure, JobStatus, TrainingJob
from triagelens.services.job_submission import Submission
from triagelens.services.ports import Clock
from triagelens.services.training_job_ports import JobQueue, JobRecords, QueuedJob, QueuedState

SUBMITTING = timedelta(minutes=2)  # longer than any request that may still be about to submit
LONG_WAIT = timedelta(minutes=15)
NO_REPORT = JobFailure(code="no_report", message="The container ended without saying how the job went.")
SILENT = JobFailure(
    code="silent",
    message=f"Nothing was heard of the job for {HEARTBEAT_LOST.seconds // 60} minutes; it was stopped.",
)
FORGOTTEN = JobFailure(code="lost", message="The queue knows the job no more, and nothing is heard of it.")
NO_QUOTA = "none is free, or the account's quota of such machines is too small (see docs/training.md, Quotas)"


@dataclass(frozen=True)
class JobWatch:
    """Ends what died, submits what was not, and says of what waits why it does.

    `on_death` is told of each job that was marked failed here; `log_group` is where containers write.
    """

    records: JobRecords
    queue: JobQueue
    submission: Submission
    clock: Clock
    log_group: str
    on_death: Callable[[TrainingJob], None] = lambda _job: None

    def state_changed(self, job_id: str, queued: QueuedJob) -> TrainingJob:
        """What the queue tells of a job by itself. An end that the container reported stands.

        Raises:
            NotFoundError: there is no such job.
            OutdatedError: the job was written to at the same time; ask again.
        """
        return self._look_at(self.records.job(job_id), queued)

    def sweep(self) -> list[TrainingJob]:
        """Looks at every open job; those that changed.

        A job that somebody else writes to meanwhile is left for the next sweep.
        """
        jobs = self.records.open_jobs()
        known = self.queue.describe([queue_id for job in jobs if (queue_id := _queue_id(job))])
        changed = []
        for job in jobs:
            try:
                after = self._swept(job, known)
            except (OutdatedError, UnavailableError):
                continue
            if after != job:
                changed.append(after)
        return changed

    def _swept(self, job: TrainingJob, known: dict[str, QueuedJob]) -> TrainingJob:
        if job.cancel_requested:
            return self.submission.complete_cancellation(job)
        queue_id = _queue_id(job)
        if queue_id is None:
            return self._submitted(job)
        if queue_id in known:
            return self._look_at(job, known[queue_id])
        heard = job.heartbeat_at or job.created_at
        return self._dead(job, FORGOTTEN) if self.clock() - heard > HEARTBEAT_LOST else job

    def _submitted(self, job: TrainingJob) -> TrainingJob:
        """The queue is asked first: what stopped may have been the note and not the submission."""
        if self.clock() - job.created_at < SUBMITTING:
            return job
        queue_id = self.queue.find(job)
        return self.submission.hand_over(job) if queue_id is None else self.submission.note(job, queue_id)

    def _look_at(self, job: TrainingJob, queued: QueuedJob) -> TrainingJob:
        """The end of another submission of the same job, or of one that has ended, means nothing."""
        if not job.is_open or queued.queue_id != _queue_id(job):
            return job
        job = self._with_log(job, queued)
        if queued.state is QueuedState.FAILED:
            return self._dead(job, queued.death or NO_REPORT)
        if queued.state is QueuedState.SUCCEEDED:
            return self._dead(job, NO_REPORT)
        if queued.state is QueuedState.NO_MACHINE:
            return self._waiting(job, queued)
        if queued.state is QueuedState.RUNNING:
            return self._heard_of(job, queued)
        return job

    def _with_log(self, job: TrainingJob, queued: QueuedJob) -> TrainingJob:
        location = f"{self.log_group}:{queued.log_stream}"
        if queued.log_stream is None or location == job.log_location:
            return job
        return self.records.replace_job(job.model_copy(update={"log_location": location}))

    def _dead(self, job: TrainingJob, failure: JobFailure) -> TrainingJob:
        if job.cancel_requested:
            return self.submission.complete_cancellation(job)
        failed = self.submission.fail(job, failure)
        self.on_death(failed)
        return failed

    def _waiting(self, job: TrainingJob, queued: QueuedJob) -> TrainingJob:
        if job.status is JobStatus.RUNNING:
            message = "The machine was lost; waiting for another one"
        elif queued.since is not None and self.clock() - queued.since > LONG_WAIT:
            message = "Waiting for a machine"
        else:
            return job
        message = f"{message}: {queued.reason or NO_QUOTA}"
        if message == job.message:
            return job
        return self.records.replace_job(job.model_copy(update={"message": message}))

    def _heard_of(self, job: TrainingJob, queued: QueuedJob) -> TrainingJob:
        """A container that runs and says nothing hangs."""
        now = self.clock()
        heard = max(moment for moment in (job.heartbeat_at, queued.since, job.created_at) if moment)
        if now - heard <= HEARTBEAT_LOST:
            return job
        self.queue.cancel(queued.queue_id, SILENT.message)
        return self._dead(job, SILENT)


def _queue_id(job: TrainingJob) -> str | None:
    """The queue's id of the submission that counts: the one whose container has claimed the job."""
    return job.runner.runner_id if job.runner else job.batch_job_id
