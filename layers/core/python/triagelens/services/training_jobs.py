"""A job as whoever runs it sees it: claim it, report on it, end it.

Every write names the attempt that it is of. Once another attempt has begun, the job was cancelled or
it has ended, the write is refused, and the runner has nothing more to do here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from triagelens.domain.errors import FencedError, JobTakenError, OutdatedError
from triagelens.domain.training_jobs import (
    LONGEST_MESSAGE,
    JobFailure,
    JobStatus,
    Report,
    Runner,
    TrainingJob,
)
from triagelens.services.ports import Clock
from triagelens.services.training_job_ports import JobRecords

TRIES = 20


@dataclass(frozen=True)
class TrainingJobs:
    """Jobs, for the container and for the laptop's worker."""

    records: JobRecords
    clock: Clock

    def get(self, job_id: str) -> TrainingJob:
        """The job as it is now.

        Raises:
            NotFoundError: there is none.
        """
        return self.records.job(job_id)

    def claim(self, job_id: str, runner: Runner, log_location: str | None = None) -> TrainingJob:
        """Makes the job the runner's own, under a new attempt.

        Raises:
            NotFoundError: there is none.
            JobTakenError: another runner has it, or it has ended: nothing is left to do.
        """

        def taken(job: TrainingJob) -> TrainingJob:
            now = self.clock()
            if not job.may_be_claimed_by(runner, now):
                raise JobTakenError(f"Job {job_id} is {job.status}, and not this runner's to take.")
            return job.model_copy(
                update={
                    "status": JobStatus.RUNNING,
                    "attempt": job.attempt + 1,
                    "runner": runner,
                    "message": "Started"
                    if job.attempt == 0
                    else f"Started again (attempt {job.attempt + 1})",
                    "started_at": job.started_at or now,
                    "heartbeat_at": now,
                    "log_location": log_location or job.log_location,
                }
            )

        return changed(self.records, job_id, taken)

    def report(self, job_id: str, attempt: int, report: Report | None = None) -> TrainingJob:
        """Says how far the attempt has come; without a report, that it lives.

        Raises:
            FencedError: the attempt is not the latest, the job was cancelled, or it has ended.
        """
        news = report.told() if report else {}

        def reported(job: TrainingJob) -> TrainingJob:
            return _checked(job, attempt).model_copy(update=news | {"heartbeat_at": self.clock()})

        return changed(self.records, job_id, reported)

    def finish(self, job_id: str, attempt: int, report: Report | None = None) -> TrainingJob:
        """Ends the job well. Done again by the same attempt, it changes nothing.

        Raises:
            FencedError: as `report`.
        """
        told = report.told() if report else {}
        news = {"message": "Completed"} | told | {"progress": 1.0}
        return self._end(job_id, attempt, JobStatus.COMPLETED, news)

    def fail(self, job_id: str, attempt: int, code: str, message: str) -> TrainingJob:
        """Ends the job for a reason that another attempt would meet too. Again, it changes nothing.

        Raises:
            FencedError: as `report`.
        """
        failure = JobFailure(code=code, message=message[:LONGEST_MESSAGE])
        news = {"message": failure.message, "failure": failure}
        return self._end(job_id, attempt, JobStatus.FAILED, news)

    def _end(self, job_id: str, attempt: int, status: JobStatus, news: dict[str, Any]) -> TrainingJob:
        def ended(job: TrainingJob) -> TrainingJob:
            if job.status is status and job.attempt == attempt:
                return job
            now = self.clock()
            changes = {"status": status, "completed_at": now, "heartbeat_at": now}
            return _checked(job, attempt).model_copy(update=news | changes)

        return changed(self.records, job_id, ended)


def changed(records: JobRecords, job_id: str, change: Callable[[TrainingJob], TrainingJob]) -> TrainingJob:
    """The job after `change`, which is asked anew if somebody else wrote in between.

    Raises:
        NotFoundError: there is no such job.
        OutdatedError: others never stop writing.
    """
    for _ in range(TRIES - 1):
        try:
            return _changed_once(records, job_id, change)
        except OutdatedError:
            continue
    return _changed_once(records, job_id, change)


def _changed_once(
    records: JobRecords, job_id: str, change: Callable[[TrainingJob], TrainingJob]
) -> TrainingJob:
    job = records.job(job_id)
    after = change(job)
    return job if after == job else records.replace_job(after)


def _checked(job: TrainingJob, attempt: int) -> TrainingJob:
    if job.cancel_requested or job.status is JobStatus.CANCELLED:
        raise FencedError(f"Job {job.job_id} was cancelled.")
    if job.attempt != attempt:
        raise FencedError(f"Attempt {attempt} of job {job.job_id} is over: attempt {job.attempt} has begun.")
    if job.status is not JobStatus.RUNNING:
        raise FencedError(f"Job {job.job_id} has ended: {job.status}.")
    return job
