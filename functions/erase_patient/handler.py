"""Entry point: messages of the erasure queue, and the hourly look at what stands still."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from erase_patient.settings import settings
from erase_patient.wiring import erasing
from triagelens.adapters.batches import process_messages
from triagelens.domain.erasures import ErasureRequest

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    if "Records" not in event:
        logger.info("looked", extra={"sent_again": erasing().look()})
        return {"batchItemFailures": []}
    return process_messages(
        event, _erase, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _erase(message: SQSRecord) -> None:
    request = ErasureRequest.model_validate_json(message.body)
    logger.append_keys(erasure_id=request.erasure_id)
    receipt = erasing().run(request)
    logger.set_correlation_id(receipt.begun.correlation_id)
    logger.info("erased", extra={"status": receipt.status, "sweep": request.sweep})
    name = "PatientSwept" if request.sweep else "PatientErased"
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


def _give_up(message: SQSRecord) -> None:
    """Nobody waits for it: the alarm on the dead letters tells, and the hourly look sends it again."""
    logger.error("an erasure has failed too often", extra={"message_id": message.message_id})
