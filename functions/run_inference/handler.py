"""Entry point: messages of the inference queue."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from run_inference.settings import settings
from run_inference.wiring import giving_up, inference
from triagelens.adapters.batches import process_messages
from triagelens.domain.errors import ErasedError, NotFoundError
from triagelens.domain.messages import InferenceRequest

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _analyse, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _analyse(message: SQSRecord) -> None:
    request = InferenceRequest.model_validate_json(message.body)
    logger.set_correlation_id(request.correlation_id)
    logger.append_keys(image_id=request.image_id)
    try:
        record = inference().run(request)
    except ErasedError:
        logger.info("the image was erased; nothing is left to do")
        return
    logger.info("analysed", extra={"status": record.status})
    if record.failure is not None:
        logger.error("the image failed", extra={"failure": record.failure.code})
        metrics.add_metric(name=f"failure.{record.failure.code}", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name=f"Image{record.status.title()}", unit=MetricUnit.Count, value=1)


def _give_up(message: SQSRecord) -> None:
    try:
        giving_up().request(InferenceRequest.model_validate_json(message.body))
    except (ValidationError, NotFoundError) as error:
        logger.warning(
            "a message without an image goes to the dead-letter queue", extra={"cause": str(error)}
        )
