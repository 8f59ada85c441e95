"""Batches of queue messages: each on its own, and marked when it is about to be given up."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from triagelens.domain.errors import TriagelensError

# Log keys that one message may set and the next must not inherit.
KEYS_OF_A_MESSAGE = [
    "correlation_id",
    "image_id",
    "import_id",
    "replay_id",
    "erasure_id",
    "report_id",
    "export_id",
]


class _QueueProcessor(BatchProcessor):
    """A batch processor that tells when a message failed for the last time before the dead-letter queue."""

    def __init__(self, give_up: Callable[[SQSRecord], None], max_receive_count: int, logger: Logger) -> None:
        super().__init__(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        self._logger = logger
        self._give_up = give_up
        self._max_receive_count = max_receive_count

    def failure_handler(self, record: Any, exception: Any) -> Any:
        self._logger.warning("a message failed", exc_info=exception)
        if int(record.attributes.approximate_receive_count) >= self._max_receive_count:
            self._mark(record)
        return super().failure_handler(record=record, exception=exception)

    def _mark(self, record: SQSRecord) -> None:
        """Whatever keeps the mark from being made must not give the batch's other messages back too."""
        try:
            self._give_up(record)
        except (BotoCoreError, ClientError, PynamoDBException, TriagelensError):
            self._logger.error("a message is given up without a mark", exc_info=True)


def process_messages(
    event: dict[str, Any],
    handle: Callable[[SQSRecord], object],
    give_up: Callable[[SQSRecord], None],
    *,
    max_receive_count: int,
    logger: Logger,
) -> PartialItemFailureResponse:
    """Runs `handle` on each message; those that raise come again, their neighbours do not.

    `give_up` is called for a message whose last delivery failed, before it goes to the dead-letter queue.
    """

    def work(record: SQSRecord) -> object:
        logger.remove_keys(KEYS_OF_A_MESSAGE)
        return handle(record)

    processor = _QueueProcessor(give_up, max_receive_count, logger)
    return process_partial_response(event=event, record_handler=work, processor=processor)
