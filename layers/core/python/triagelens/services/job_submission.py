"""From a record to a queue, and off it again.

The record is written first and the queue is told second, so that a job exists from the moment it is
answered for. What stops in between is taken up by the sweep. A job that is submitted twice does no harm:
one container alone claims it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.training_jobs import JobFailure, JobStatus, TrainingJob
from triagelens.services.ports import Clock, IdempotencyKey
from triagelens.services.training_job_ports import JobQueue, JobRecords
from triagelens.services.training_jobs import changed

LEFT_ALONE = JobFailure(
    code="no_snapshot", message="The ingestion that should have made its snapshot has ended without one."
)


@dataclass(frozen=True)
class Submission:
    """Jobs, for those who start and stop them."""

    records: JobRecords
    queue: JobQueue
    clock: Clock

    def enqueue(self, job: TrainingJob, idempotency: IdempotencyKey | None = None) -> TrainingJob:
        """The job written down and submitted, or the one that the same key made before.

        A queue that does not answer leaves it queued; the sweep submits it.

        Raises:
            TrainingNotDeployedError: nothing here runs such jobs; nothing was written.
            IdempotencyMismatchError: the key was used for another request.
        """
        self.queue.check_deployed(job.kind)
        stored = self.records.add_job(job, idempotency)
        return stored if stored.job_id != job.job_id else self.hand_over(stored)

    def hand_over(self, job: TrainingJob) -> TrainingJob:
        """Submits a queued job that the queue does not know of, and notes the queue's id.

        A job that waits for another is submitted once the queue knows that one; if that one ended badly,
        so does the job.
        """
        after: str | None = None
        earlier = None if job.after is None else self.records.job(job.after)
        if earlier is not None and earlier.is_open:
            after = earlier.batch_job_id
            if after is None:
                return job  # the sweep comes back to it
        elif earlier is not None and earlier.status is not JobStatus.COMPLETED:
            return self.fail(job, LEFT_ALONE)
        try:
            queue_id = self.queue.submit(job, after)
        except UnavailableError:
            return job
        return job if queue_id is None else self.note(job, queue_id)

    def note(self, job: TrainingJob, queue_id: str) -> TrainingJob:
        """Notes under which id the queue has the job. If the job ended meanwhile, it leaves the queue too."""
        noted = changed(
            self.records, job.job_id, lambda job: job.model_copy(update={"batch_job_id": queue_id})
        )
        if noted.cancel_requested or not noted.is_open:
            self.queue.cancel(queue_id, "The job was cancelled.")
        return noted

    def cancel(self, job_id: str) -> TrainingJob:
        """Ends a job that is queued or running; a cancelled one stays as it is.

        Once this is asked for, nobody writes for the job any more. If the queue does not answer, the
        sweep ends what is left.

        Raises:
            NotFoundError: there is none.
            ConflictError: it has completed or failed.
        """

        def asked(job: TrainingJob) -> TrainingJob:
            if job.status is JobStatus.CANCELLED:
                return job
            if not job.is_open:
                raise ConflictError(f"The job has ended: it is {job.status}.")
            return job.model_copy(update={"cancel_requested": True, "message": "Being cancelled"})

        job = changed(self.records, job_id, asked)
        try:
            return self.complete_cancellation(job)
        except UnavailableError:
            return job

    def complete_cancellation(self, job: TrainingJob) -> TrainingJob:
        """Takes a job whose cancellation was asked for from the queue, then marks it cancelled.

        Raises:
            UnavailableError: the queue does not answer.
        """
        for queue_id in {job.batch_job_id, job.runner and job.runner.runner_id, self.queue.find(job)} - {
            None
        }:
            self.queue.cancel(str(queue_id), "The job was cancelled.")
        return changed(self.records, job.job_id, lambda job: _ended(job, _cancelled(self.clock())))

    def fail(self, job: TrainingJob, failure: JobFailure) -> TrainingJob:
        """Marks a job failed from outside, unless it was written to since `job` was read.

        Raises:
            OutdatedError: it has changed since.
        """
        return self.records.replace_job(_ended(job, _failed(self.clock(), failure)))


def _ended(job: TrainingJob, changes: dict[str, Any]) -> TrainingJob:
    """The job with its end, if it has none yet."""
    return job.model_copy(update=changes) if job.is_open else job


def _cancelled(now: datetime) -> dict[str, Any]:
    return {"status": JobStatus.CANCELLED, "completed_at": now, "message": "Cancelled"}


def _failed(now: datetime, failure: JobFailure) -> dict[str, Any]:
    return {
        "status": JobStatus.FAILED,
        "completed_at": now,
        "message": failure.message,
        "failure": failure,
    }
