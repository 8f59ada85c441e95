"""Entry point: messages of the exports queue."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from export_records.settings import settings
from export_records.wiring import making
from triagelens.adapters.batches import process_messages
from triagelens.domain.errors import NotFoundError
from triagelens.domain.exports import ExportRequest

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_messages(
        event, _export, _give_up, max_receive_count=settings().max_receive_count, logger=logger
    )


def _export(message: SQSRecord) -> None:
    request = ExportRequest.model_validate_json(message.body)
    logger.set_correlation_id(request.correlation_id)
    logger.append_keys(export_id=request.export_id)
    export = making().run(request)
    rows = None if export.file is None else export.file.rows
    logger.info("exported", extra={"status": export.status, "attempt": export.attempt, "rows": rows})


def _give_up(message: SQSRecord) -> None:
    try:
        making().give_up(ExportRequest.model_validate_json(message.body))
    except (ValidationError, NotFoundError) as error:
        logger.warning("a message without an export is given up", extra={"cause": type(error).__name__})
