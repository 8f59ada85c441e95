"""Sends the messages of a dead-letter queue back to work, once their cause is gone.

    python -m infra.redrive quality|inference|registration

With the environment's AWS credentials, against the deployed stack. The AWS console's redrive does the
same; the laptop cloud has only this.
"""

import argparse
from typing import TYPE_CHECKING

import boto3

from infra.config import STACK_NAME

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUES = ("quality", "inference", "registration")


def redrive(sqs: "SQSClient", dlq_url: str, queue_url: str) -> int:
    """Moves all messages of a dead-letter queue back, and gives their number.

    A message is sent before it is deleted: if this is stopped in between, it is delivered twice, which
    changes nothing, but never lost.
    """
    moved = 0
    while True:
        answer = sqs.receive_message(QueueUrl=dlq_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        if not messages:
            return moved
        for message in messages:
            sqs.send_message(QueueUrl=queue_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dlq_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.redrive")
    parser.add_argument("queue", choices=QUEUES)
    name = parser.parse_args().queue.capitalize()
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    moved = redrive(boto3.client("sqs"), outputs[f"{name}DlqUrl"], outputs[f"{name}QueueUrl"])
    print(f"{moved} messages sent back to the {name.lower()} queue")


if __name__ == "__main__":
    main()
