"""A dead-letter queue is emptied into where its messages came from."""

import io
import json
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

import publish_events.handler
from infra.redrive import NotTakenError, publish_again, redrive
from tests.cloud import REGION, Cloud, FakeContext


@dataclass
class OneFunction:
    """As much of Lambda's client as a redrive uses: it calls our handler in this process."""

    error: str | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # Lambda's names
        assert FunctionName == "publish"
        if self.error:
            return {"FunctionError": self.error, "Payload": io.BytesIO(b"{}")}
        said = publish_events.handler.handler(json.loads(Payload), FakeContext())
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


def test_every_dead_message_goes_back_once(cloud: Cloud) -> None:
    dlq = cloud.queue_urls["dead"]
    for number in range(23):
        cloud.sqs.send_message(QueueUrl=dlq, MessageBody=str(number))
    went: list[str] = []
    assert redrive(cloud.sqs, dlq, went.append) == 23
    assert sorted(went, key=int) == [str(number) for number in range(23)]
    assert redrive(cloud.sqs, dlq, went.append) == 0


def test_what_dies_again_meanwhile_is_left_for_the_next_time(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    dlq = cloud.queue_urls["dead"]
    cloud.sqs.send_message(QueueUrl=dlq, MessageBody="poison")
    sent = cloud.sqs.receive_message(
        QueueUrl=dlq, MessageSystemAttributeNames=["SentTimestamp"], VisibilityTimeout=0
    )
    now_ms = int(sent["Messages"][0]["Attributes"]["SentTimestamp"])
    monkeypatch.setattr("infra.redrive.time.time", lambda: (now_ms - 1) / 1000)
    assert redrive(cloud.sqs, dlq, lambda body: None) == 0


def stream_record(cloud: Cloud) -> dict[str, Any]:
    """A change of an image's status, as the stream tells it."""
    body = {"image_id": "01JD0000000000000000000000", "status": "no such status"}
    key = {"pk": {"S": "IMG#1"}, "sk": {"S": "META"}, "kind": {"S": "image"}}
    cloud.dynamodb.put_item(TableName="casework", Item={**key, "body": {"S": json.dumps(body)}})
    (record,) = json.loads(json.dumps(cloud.stream_event()["Records"], default=str))
    assert isinstance(record, dict)
    return record


def test_a_record_that_cannot_be_read_is_kept_whole_and_holds_nobody_up(cloud: Cloud) -> None:
    record = stream_record(cloud)
    answer = publish_events.handler.handler({"Records": [record]}, FakeContext())
    assert answer == {"batchItemFailures": []}
    (letter,) = cloud.waiting("dead-events")
    assert json.loads(letter) == record


def test_a_dead_event_is_given_to_its_function_again(cloud: Cloud) -> None:
    letter = json.dumps(stream_record(cloud))
    streams = boto3.client("dynamodbstreams", region_name=REGION)
    publish_again(OneFunction(), streams, "publish", letter)  # type: ignore[arg-type]  # a part of the client
    assert cloud.waiting("dead-events") == [letter], "still unreadable: it is dead anew, and not lost"
    with pytest.raises(NotTakenError, match="publish"):
        publish_again(OneFunction("Unhandled"), streams, "publish", letter)  # type: ignore[arg-type]  # a part


def test_the_records_of_a_position_are_read_from_the_stream(cloud: Cloud) -> None:
    record = stream_record(cloud)
    position = record["dynamodb"]["SequenceNumber"]

    class Stream:
        """Two pages of a shard; the wanted record is on the second."""

        def get_shard_iterator(self, **asked: str) -> dict[str, str]:
            assert asked["SequenceNumber"] == position
            return {"ShardIterator": "first"}

        def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
            later = {"dynamodb": {"SequenceNumber": "later"}}
            pages = {"first": ([], "second"), "second": ([record, later], "third")}
            found, following = pages[ShardIterator]
            return {"Records": found, "NextShardIterator": following}

    batch = {"streamArn": "a", "shardId": "b", "startSequenceNumber": position, "endSequenceNumber": position}
    letter = json.dumps({"DDBStreamBatchInfo": batch})
    publish_again(OneFunction(), Stream(), "publish", letter)  # type: ignore[arg-type]  # parts of the clients
    assert [json.loads(body) for body in cloud.waiting("dead-events")] == [record]
