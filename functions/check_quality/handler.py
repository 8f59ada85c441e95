"""Entry point: messages of the quality queue, each an S3 notification."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from check_quality.settings import settings
from check_quality.wiring import giving_up, quality_check
from triagelens.adapters.batches import process_messages
from triagelens.adapters.notifications import MalformedMessageError, new_objects
from triagelens.domain.errors import ErasedError, NotFoundError
from triagelens.domain.images import image_id_of

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _check, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _check(message: SQSRecord) -> None:
    for upload in new_objects(message.body):
        image_id = image_id_of(upload.key)
        logger.append_keys(image_id=image_id)
        try:
            record = quality_check().check(image_id, upload.object_version)
        except ErasedError:
            logger.info("the image was erased; nothing is left to do")
            continue
        logger.set_correlation_id(record.correlation_id)
        ignored = record.object_version not in (None, upload.object_version)
        logger.info("checked", extra={"status": record.status, "ignored_later_version": ignored})
        metrics.add_metric(name=f"Image{record.status.title()}", unit=MetricUnit.Count, value=1)


def _give_up(message: SQSRecord) -> None:
    try:
        for upload in new_objects(message.body):
            giving_up().upload(image_id_of(upload.key), upload.object_version)
    except (MalformedMessageError, NotFoundError) as error:
        logger.warning(
            "a message without an image goes to the dead-letter queue", extra={"cause": str(error)}
        )
