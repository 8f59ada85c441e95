"""Training jobs: start, look at, cancel."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status

from clinic_api.deps.training import JobRequestsCase, Trainer
from clinic_api.routes.responses import problems
from clinic_api.schemas.training_jobs import (
    TrainingJobList,
    TrainingJobRequest,
    TrainingJobResponse,
)

router = APIRouter(prefix="/v1/training-jobs", tags=["training"])

RETRY_AFTER_S = 5

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Makes repeating this request safe for 24 hours; use a new random one for each training",
        examples=["2f0c0c5e-6c0a-4b6c-9b52-4d3cf0b3a8b1"],
    ),
]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="start_training",
    summary="Start a training (researcher, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def start_training(
    body: TrainingJobRequest,
    trainer: Trainer,
    jobs: JobRequestsCase,
    idempotency_key: IdempotencyHeader = None,
) -> TrainingJobResponse:
    """Queues the training of one model and answers at once. Ask for the job until it has ended.

    It needs at least five labelled images of at least two classes (409 `too_few_labels`), and its
    estimated cost must not be above `max_cost_usd` (409 `too_expensive`). A deployment that does not
    train says so (503 `training_not_deployed`).
    """
    return TrainingJobResponse.of(jobs.start(trainer, body.training_request(), idempotency_key))


@router.get(
    "",
    operation_id="list_training_jobs",
    summary="Jobs, newest first (researcher, admin)",
    responses=problems(400, 401, 403, 503),
)
def list_training_jobs(
    _trainer: Trainer,
    jobs: JobRequestsCase,
    limit: Annotated[int, Query(ge=1, le=50, description="Jobs on a page")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> TrainingJobList:
    """Trainings and ingestions of everybody."""
    return TrainingJobList.of(jobs.page(limit, cursor))


@router.get(
    "/{job_id}",
    operation_id="get_training_job",
    summary="How far a job has come (researcher, admin)",
    responses=problems(401, 403, 404, 503),
)
def get_training_job(
    job_id: str, _trainer: Trainer, jobs: JobRequestsCase, response: Response
) -> TrainingJobResponse:
    """`status` ends as `completed`, `failed` or `cancelled`; `message` says what goes on meanwhile.

    Until then `Retry-After` says when to ask again.
    """
    job = jobs.job(job_id)
    if job.is_open:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return TrainingJobResponse.of(job)


@router.post(
    "/{job_id}/cancel",
    operation_id="cancel_training_job",
    summary="Cancel a job (researcher, admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def cancel_training_job(job_id: str, trainer: Trainer, jobs: JobRequestsCase) -> TrainingJobResponse:
    """Ends it wherever it stands, and gives its machine back. Once more changes nothing.

    If the queue does not answer, `cancel_requested` is true and the job ends within minutes.
    """
    return TrainingJobResponse.of(jobs.cancel(trainer, job_id))
