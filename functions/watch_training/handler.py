"""Entry point: a state change of a Batch job, or the sweep that the clock asks for."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from triagelens.adapters.batch import job_id_of, queued_job
from triagelens.domain.errors import NotFoundError
from triagelens.domain.training_jobs import JobStatus, TrainingJob
from watch_training.wiring import job_watch

STATE_CHANGE = "Batch Job State Change"
logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    if event.get("detail-type") == STATE_CHANGE:
        _state_changed(event["detail"])
        return
    for job in job_watch().sweep():
        _tell(job)


def _state_changed(detail: dict[str, Any]) -> None:
    """A record that is written to at the same moment makes Lambda deliver the event again."""
    job_id = job_id_of(detail["jobName"])
    if job_id is None:
        logger.warning("a job of somebody else's on our queue")
        return
    try:
        _tell(job_watch().state_changed(job_id, queued_job(detail)))
    except NotFoundError:
        logger.warning("a job without a record", extra={"job_id": job_id})


def _tell(job: TrainingJob) -> None:
    code = job.failure.code if job.failure else None
    logger.info(
        "watched",
        extra={"job_id": job.job_id, "kind": job.kind, "status": job.status, "failure": code},
    )
    if job.status is JobStatus.FAILED:
        metrics.add_metric(name="TrainingJobDied", unit=MetricUnit.Count, value=1)
