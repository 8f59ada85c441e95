"""Entry point: events that somebody is told of by e-mail."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from notify.settings import settings
from notify.wiring import mailing, now
from triagelens.adapters.batches import process_messages
from triagelens.adapters.eventbridge import event_in
from triagelens.domain.errors import UnavailableError
from triagelens.services.deliveries import lives_until

RETRY_AFTER_S = 30

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _tell, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _tell(message: SQSRecord) -> None:
    event = event_in(message.body)
    logger.set_correlation_id(event.correlation_id)
    use_case = mailing()
    if use_case is None:
        metrics.add_metric(name="MailsNotSent", unit=MetricUnit.Count, value=1)
        logger.info("no sender is set up; nobody is told", extra={"event_id": event.event_id})
        return
    received = int(message.attributes.approximate_receive_count or 1)
    until = lives_until(now(), received, settings().max_receive_count, settings().visibility)
    mailed = use_case.tell(event, message.message_id, until)
    metrics.add_metric(name="MailsSent", unit=MetricUnit.Count, value=mailed.sent)
    metrics.add_metric(name="MailsRefused", unit=MetricUnit.Count, value=mailed.refused)
    if mailed.refused:
        logger.warning(
            "addresses were refused", extra={"event_id": event.event_id, "refused": mailed.refused}
        )
    if mailed.elsewhere:
        raise UnavailableError("Another message of this event is being worked on.", RETRY_AFTER_S)


def _give_up(message: SQSRecord) -> None:
    """The dead-letter queue keeps it; its redrive mails whoever was not told."""
    logger.error("somebody was not told", extra={"message_id": message.message_id})
