"""Entry point: messages of the replay queue, each a page of a replay."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from replay_model.settings import settings
from replay_model.wiring import replaying
from triagelens.adapters.batches import process_messages
from triagelens.domain.errors import NotFoundError
from triagelens.domain.replay import ReplayRequest

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _replay, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _replay(message: SQSRecord) -> None:
    request = ReplayRequest.model_validate_json(message.body)
    logger.set_correlation_id(request.correlation_id)
    logger.append_keys(replay_id=request.replay_id)
    replay = replaying().run(request)
    logger.info("replayed", extra={"status": replay.status, "page": replay.page, "scored": replay.scored})


def _give_up(message: SQSRecord) -> None:
    try:
        replaying().give_up(ReplayRequest.model_validate_json(message.body))
    except (ValidationError, NotFoundError) as error:
        logger.warning("a message without a replay is given up", extra={"cause": type(error).__name__})
