"""Entry point: a schedule.

A function that fails marks its image or report itself before the message becomes a dead letter. One that
is killed each time, for want of memory or time, cannot: this does it instead. The letters stay for the
redrive.
"""

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from mark_dead_letters.settings import settings
from triagelens.adapters.aws import sqs_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.adapters.eventbridge import event_in
from triagelens.adapters.notifications import MalformedMessageError, new_objects
from triagelens.adapters.sqs import waiting_bodies
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.images import image_id_of
from triagelens.domain.messages import InferenceRequest
from triagelens.services.giving_up import GivingUp
from triagelens.services.report_making import GivingUpReports

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def giving_up() -> GivingUp:
    conf = settings()
    return GivingUp(DynamoCasework(conf.casework_table, conf.aws_region), lambda: datetime.now(UTC))


@lru_cache
def giving_up_reports() -> GivingUpReports:
    conf = settings()
    return GivingUpReports(DynamoReports(conf.casework_table, conf.aws_region), lambda: datetime.now(UTC))


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    conf = settings()
    sqs = sqs_client(conf.aws_region)
    queues = (
        (conf.quality_dlq_url, _mark_upload),
        (conf.inference_dlq_url, _mark_request),
        (conf.reports_dlq_url, _mark_report),
    )
    for url, mark in queues:
        for body in waiting_bodies(sqs, url):
            metrics.add_metric(name="DeadLettersRead", unit=MetricUnit.Count, value=1)
            try:
                mark(body)
            except (MalformedMessageError, ValidationError, NotFoundError) as error:
                logger.warning("a dead letter names nothing", extra={"cause": type(error).__name__})


def _mark_upload(body: str) -> None:
    for upload in new_objects(body):
        giving_up().upload(image_id_of(upload.key), upload.object_version)


def _mark_request(body: str) -> None:
    giving_up().request(InferenceRequest.model_validate_json(body))


def _mark_report(body: str) -> None:
    with suppress(ConflictError):  # it has just ended
        giving_up_reports().give_up(str(event_in(body).detail["report_id"]))
