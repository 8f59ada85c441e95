"""Queues that our functions send to."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from triagelens.domain.erasures import ErasureRequest
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.replay import ReplayRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsInferenceQueue:
    """`services.ports.InferenceQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, request: InferenceRequest) -> None:
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.model_dump_json())


class SqsReplayQueue:
    """`services.replays.ReplayQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, request: ReplayRequest) -> None:
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.model_dump_json())


class SqsErasureQueue:
    """`services.erasure_ports.ErasureQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, request: ErasureRequest, delay_s: int = 0) -> None:
        self._client.send_message(
            QueueUrl=self._queue_url, MessageBody=request.model_dump_json(), DelaySeconds=delay_s
        )


class SqsDeadLetters:
    """Where a stream's record goes that cannot be read: a stream has no dead letters of its own."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def keep(self, record: dict[str, Any]) -> None:
        """Keeps the whole record, so that a redrive needs nothing else."""
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(record, default=str))


def waiting_bodies(client: "SQSClient", queue_url: str, most: int = 500) -> Iterator[str]:
    """The bodies of up to `most` messages, which stay in the queue but are hidden for a minute."""
    for _ in range(0, most, 10):
        answer = client.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=1
        )
        messages = answer.get("Messages", [])
        if not messages:
            return
        for message in messages:
            yield message["Body"]
