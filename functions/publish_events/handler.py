"""Entry point: changes of the casework table, in their order."""

from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from publish_events.settings import settings
from triagelens.adapters.aws import events_client, sqs_client
from triagelens.adapters.dynamodb.streams import record_changes
from triagelens.adapters.eventbridge import EventBridgeBus
from triagelens.adapters.sqs import SqsDeadLetters
from triagelens.services.publishing import Publishing

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def publishing() -> Publishing:
    conf = settings()
    return Publishing(bus=EventBridgeBus(events_client(conf.aws_region), conf.event_bus_name))


@lru_cache
def dead_letters() -> SqsDeadLetters:
    conf = settings()
    return SqsDeadLetters(sqs_client(conf.aws_region), conf.dead_letters_url)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    changes, unreadable = record_changes(event["Records"])
    for record in unreadable:
        logger.error("a record cannot be read; it is kept as a dead letter", extra={"cause": record.cause})
        dead_letters().keep(record.raw)
    refused_at = publishing().publish(changes)
    if refused_at is None:
        return {"batchItemFailures": []}
    logger.warning("the bus refused an event; the stream goes on from there")
    metrics.add_metric(name="EventsRefused", unit=MetricUnit.Count, value=1)
    return {"batchItemFailures": [{"itemIdentifier": refused_at}]}
