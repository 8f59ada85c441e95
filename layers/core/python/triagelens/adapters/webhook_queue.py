"""The webhooks' queue: events in, orders in and out, and attempts that wait."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from triagelens.adapters.eventbridge import event_in
from triagelens.domain.errors import UnavailableError
from triagelens.domain.messages import Event
from triagelens.domain.webhooks import Order

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST_MESSAGES = 10


class SqsOrderQueue:
    """`services.webhook_ports.OrderQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, orders: Sequence[Order]) -> None:
        for start in range(0, len(orders), MOST_MESSAGES):
            answer = self._client.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "MessageBody": order.model_dump_json()}
                    for number, order in enumerate(orders[start : start + MOST_MESSAGES])
                ],
            )
            if answer.get("Failed"):
                raise UnavailableError("The queue did not take every order.", retry_after_s=60)

    def hide(self, receipt_handle: str, pause: timedelta) -> None:
        """Lets a message come again after a pause of up to 12 hours, once it is reported as failed."""
        self._client.change_message_visibility(
            QueueUrl=self._queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=int(pause.total_seconds()),
        )


def read_message(body: str) -> Event | Order:
    """What a message of the queue holds: an event as the bus tells it, or an order.

    Raises:
        ValueError: neither.
    """
    told = json.loads(body)
    if isinstance(told, dict) and "webhook_id" in told:
        return Order.model_validate(told)
    return event_in(body)
