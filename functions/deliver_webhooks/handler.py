"""Entry point: events to fan out, and orders to carry out."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from deliver_webhooks.settings import settings
from deliver_webhooks.wiring import delivery, fan_out, queue
from triagelens.adapters.batches import process_messages
from triagelens.adapters.webhook_queue import read_message
from triagelens.domain.messages import Event
from triagelens.domain.webhooks import Order

logger = Logger()
metrics = Metrics()
tracer = Tracer()


class LaterError(Exception):
    """An order is not carried out yet; its message comes again by itself."""


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _work, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _work(message: SQSRecord) -> None:
    told = read_message(message.body)
    logger.set_correlation_id(told.correlation_id)
    if isinstance(told, Event):
        fan_out().tell(told)
    else:
        _carry_out(told, message)


def _carry_out(order: Order, message: SQSRecord) -> None:
    received = int(message.attributes.approximate_receive_count)
    told = delivery().carry_out(order, message.message_id, received)
    about = {"webhook_id": order.webhook_id, "event_id": order.notice.id, "attempt": received}
    if told.outcome is not None:
        logger.info("a webhook was told", extra={**about, "outcome": told.outcome})
        metrics.add_metric(f"webhook.{told.outcome}", MetricUnit.Count, 1)
    if told.disabled is not None:
        logger.error("a webhook was disabled", extra={**about, "reason": told.disabled})
        metrics.add_metric("WebhookDisabled", MetricUnit.Count, 1)
    if told.again_after is not None:
        queue().hide(message.receipt_handle, told.again_after)
        raise LaterError(f"again in {told.again_after.total_seconds():.0f} s")


def _give_up(message: SQSRecord) -> None:
    """It failed for reasons of our own: the dead-letter queue keeps it, and its redrive tells it then."""
    logger.error("a message for webhooks is given up", extra={"message_id": message.message_id})
