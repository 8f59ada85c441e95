"""Queues that our functions send to."""

from typing import TYPE_CHECKING

from triagelens.domain.messages import InferenceRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsInferenceQueue:
    """`services.ports.InferenceQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, request: InferenceRequest) -> None:
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.model_dump_json())
