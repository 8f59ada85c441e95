"""Sends the messages of a dead-letter queue back to work, once their cause is gone.

    python -m infra.redrive quality|inference|registration|review|replay|reports
    python -m infra.redrive exports|notifications|erasure|webhooks|events|counts

With the environment's AWS credentials, against the deployed stack. The AWS console's redrive does the
same for the queues; the laptop cloud has only this. Events and counts come from a stream, not from a queue:
their dead letters are given to `publish_events` or `count_records` again.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3

from infra.config import STACK_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

QUEUES = (
    "quality",
    "inference",
    "registration",
    "review",
    "replay",
    "reports",
    "exports",
    "notifications",
    "erasure",
    "webhooks",
)
# What reads a stream, and the output that names its function.
STREAMS = {"events": "PublishEventsFunction", "counts": "CountRecordsFunction"}


class NotTakenError(Exception):
    """A dead letter is still not taken; it stays where it is."""


def redrive(sqs: "SQSClient", dlq_url: str, send: Callable[[str], object]) -> int:
    """Gives the body of each message of a dead-letter queue to `send`, and tells how many there were.

    A message is sent before it is deleted: if this is stopped in between, it is delivered twice, which
    changes nothing, but never lost. What dies anew in the meantime is left for the next time.
    """
    moved, started_ms = 0, time.time() * 1000
    while True:
        answer = sqs.receive_message(
            QueueUrl=dlq_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        received = answer.get("Messages", [])
        messages = [one for one in received if int(one["Attributes"]["SentTimestamp"]) <= started_ms]
        if not messages:
            return moved
        for message in messages:
            send(message["Body"])
            sqs.delete_message(QueueUrl=dlq_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1


def publish_again(
    functions: "LambdaClient", streams: "DynamoDBStreamsClient", function_name: str, body: str
) -> None:
    """Gives a dead letter of the stream to `publish_events`.

    The function keeps whole records that it cannot read; where it never came to run, Lambda keeps their
    positions, which the stream knows for a day.

    Raises:
        NotTakenError: the function failed again, or the bus refused.
    """
    letter = json.loads(body)
    records = [letter] if "dynamodb" in letter else list(records_at(streams, letter["DDBStreamBatchInfo"]))
    payload = json.dumps({"Records": records}, default=str)
    answer = functions.invoke(FunctionName=function_name, Payload=payload.encode())
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer or said["batchItemFailures"]:
        raise NotTakenError(f"{function_name} did not take it: {said}")


def records_at(streams: "DynamoDBStreamsClient", batch: Mapping[str, str]) -> Iterator[Any]:
    """The records of a failed batch, from the stream itself."""
    iterator = streams.get_shard_iterator(
        StreamArn=batch["streamArn"],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"],
    ).get("ShardIterator")
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            yield record
            if record.get("dynamodb", {}).get("SequenceNumber") == batch["endSequenceNumber"]:
                return
        iterator = page.get("NextShardIterator")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.redrive")
    parser.add_argument("queue", choices=(*QUEUES, *STREAMS))
    name = parser.parse_args().queue
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    sqs = boto3.client("sqs")

    def to_queue(body: str) -> None:
        sqs.send_message(QueueUrl=outputs[f"{name.capitalize()}QueueUrl"], MessageBody=body)

    def to_function(body: str) -> None:
        functions, streams = boto3.client("lambda"), boto3.client("dynamodbstreams")
        publish_again(functions, streams, outputs[STREAMS[name]], body)

    moved = redrive(sqs, outputs[f"{name.capitalize()}DlqUrl"], to_function if name in STREAMS else to_queue)
    print(f"{moved} messages sent back to work ({name})")


if __name__ == "__main__":
    main()
