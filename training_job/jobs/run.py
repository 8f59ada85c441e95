"""One job from its claim to its end, whatever kind it is."""

import logging
from collections.abc import Callable

from training_job.errors import StoppedError, TrainingError
from triagelens.domain.errors import FencedError, JobTakenError, TriagelensError
from triagelens.domain.training_jobs import Report, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

logger = logging.getLogger(__name__)

DONE = 0
FAILED = 1

Work = Callable[[TrainingJob], Report]


def run_job(
    job_id: str,
    runner: Runner,
    jobs: TrainingJobs,
    work: Work,
    if_taken: Callable[[], object] = lambda: None,
) -> int:
    """Claim the job, do it, end it; the exit status of the process.

    A job that another runner has, that was cancelled, or that another attempt has taken over needs
    nothing from this process, which then ends well. A failure is written into the record, and the process
    ends badly, so that the queue's own list says the same. What is not foreseen is not caught: the queue
    sees the process die, and who watches it marks the job.

    Raises:
        NotFoundError: there is no such job.
    """
    try:
        job = jobs.claim(job_id, runner)
    except JobTakenError as error:
        logger.info("%s", error)
        if_taken()
        return DONE
    try:
        jobs.finish(job_id, job.attempt, work(job))
    except (FencedError, StoppedError) as error:
        logger.info("stopped: %s", error)
        return DONE
    except (TrainingError, TriagelensError) as error:
        return _failed(jobs, job, error)
    logger.info("completed")
    return DONE


def _failed(jobs: TrainingJobs, job: TrainingJob, error: TrainingError | TriagelensError) -> int:
    logger.error("failed: %s: %s", error.code, error)
    try:
        jobs.fail(job.job_id, job.attempt, error.code, str(error))
    except FencedError as fenced:
        logger.info("stopped: %s", fenced)
        return DONE
    return FAILED
