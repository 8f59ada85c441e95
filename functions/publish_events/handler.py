"""Entry point: changes of the casework table, in their order."""

from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from publish_events.settings import settings
from triagelens.adapters.aws import events_client
from triagelens.adapters.dynamodb.streams import record_changes
from triagelens.adapters.eventbridge import EventBridgeBus
from triagelens.services.publishing import Publishing

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def publishing() -> Publishing:
    conf = settings()
    return Publishing(bus=EventBridgeBus(events_client(conf.aws_region), conf.event_bus_name))


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    refused_at = publishing().publish(record_changes(event))
    if refused_at is None:
        return {"batchItemFailures": []}
    logger.warning("the bus refused an event; the stream goes on from there")
    metrics.add_metric(name="EventsRefused", unit=MetricUnit.Count, value=1)
    return {"batchItemFailures": [{"itemIdentifier": refused_at}]}
