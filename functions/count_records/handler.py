"""Entry point: changes of the casework table."""

from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pynamodb.exceptions import PynamoDBException

from count_records.settings import settings
from triagelens.adapters.aws import sqs_client
from triagelens.adapters.dynamodb.stream_states import UnreadableRecordError, state_after
from triagelens.adapters.dynamodb.tally import DynamoTally
from triagelens.adapters.sqs import SqsDeadLetters
from triagelens.domain.errors import UnavailableError
from triagelens.services.counting import Counting

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def counting() -> Counting:
    conf = settings()
    return Counting(DynamoTally(conf.casework_table, conf.aws_region))


@lru_cache
def dead_letters() -> SqsDeadLetters:
    conf = settings()
    return SqsDeadLetters(sqs_client(conf.aws_region), conf.dead_letters_url)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    for record in event["Records"]:
        try:
            state = state_after(record)
            counting().count([] if state is None else [state])
        except UnreadableRecordError as error:
            logger.error("a record cannot be read; it is kept as a dead letter", extra={"cause": str(error)})
            dead_letters().keep(record)
        except (PynamoDBException, UnavailableError) as error:
            position = record["dynamodb"]["SequenceNumber"]
            logger.warning(
                "not counted; the stream goes on from there", extra={"cause": type(error).__name__}
            )
            metrics.add_metric(name="CountsDelayed", unit=MetricUnit.Count, value=1)
            return {"batchItemFailures": [{"itemIdentifier": position}]}
    return {"batchItemFailures": []}
