"""Entry point: events that change what waits for a reader."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rank_cases.settings import settings
from triagelens.adapters.batches import process_messages
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.review import DynamoReview
from triagelens.adapters.eventbridge import event_in
from triagelens.services.ranking import Ranking

logger = Logger()
metrics = Metrics()
tracer = Tracer()


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def ranking() -> Ranking:
    table, region = settings().casework_table, settings().aws_region
    return Ranking(DynamoCases(table, region), DynamoPanels(table, region), DynamoReview(table, region), _now)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _place, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _place(message: SQSRecord) -> None:
    event = event_in(message.body)
    logger.set_correlation_id(event.correlation_id)
    if event.type.startswith("image."):
        ranking().image_analysed(str(event.detail["image_id"]), event.correlation_id)
    else:
        ranking().place(str(event.detail["case_id"]), event.correlation_id)


def _give_up(message: SQSRecord) -> None:
    """Nobody waits for it: the dead-letter queue keeps it, and its redrive places the case as it is then."""
    logger.error("a case could not be placed", extra={"message_id": message.message_id})
