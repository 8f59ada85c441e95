"""Entry point: reports that somebody has asked for."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from render_report.settings import settings
from render_report.wiring import giving_up, making
from triagelens.adapters.batches import process_messages
from triagelens.adapters.eventbridge import event_in
from triagelens.domain.errors import NotFoundError

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _make, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _make(message: SQSRecord) -> None:
    event = event_in(message.body)
    logger.set_correlation_id(event.correlation_id)
    report_id = str(event.detail["report_id"])
    logger.append_keys(report_id=report_id)
    use_case = making()  # a logo that is missing is worth a retry, and a person's attention
    try:
        report = use_case.make(report_id)
    except NotFoundError:
        logger.info("what the report is of was erased")
        return
    logger.info("made", extra={"status": report.status})
    metrics.add_metric(name=f"Report{report.status.title()}", unit=MetricUnit.Count, value=1)


def _give_up(message: SQSRecord) -> None:
    try:
        giving_up().give_up(str(event_in(message.body).detail["report_id"]))
    except (ValueError, NotFoundError) as error:
        logger.warning("a message without a report is given up", extra={"cause": type(error).__name__})
