"""Entry point: messages of the registration queue, each an S3 notification of a manifest."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from register_model.settings import settings
from register_model.wiring import registration
from triagelens.adapters.batches import process_messages
from triagelens.adapters.notifications import MalformedMessageError, new_objects
from triagelens.domain.errors import NotFoundError
from triagelens.domain.imports import import_id_of

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _register, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _register(message: SQSRecord) -> None:
    for manifest in new_objects(message.body):
        import_id = import_id_of(manifest.key)
        logger.append_keys(import_id=import_id)
        record = registration().register(import_id, manifest.object_version)
        logger.set_correlation_id(record.correlation_id)
        logger.info(
            "registered", extra={"status": record.status, "problems": [p.code for p in record.problems]}
        )
        metrics.add_metric(name=f"Model{record.status.title()}", unit=MetricUnit.Count, value=1)


def _give_up(message: SQSRecord) -> None:
    try:
        for manifest in new_objects(message.body):
            registration().give_up(import_id_of(manifest.key))
    except (MalformedMessageError, NotFoundError) as error:
        logger.warning("a message without an import is given up", extra={"cause": type(error).__name__})
