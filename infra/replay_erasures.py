"""Erases once more whoever was erased: to be run after a table or a bucket was restored to an earlier moment.

    python -m infra.replay_erasures

With the environment's AWS credentials, against the deployed stack. It sends the message of every erasure that
the audit table knows; what is gone already stays gone.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3

from infra.config import STACK_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ERASURES = "ERASURES"


def erasures_in(dynamodb: "DynamoDBClient", table: str) -> Iterator[str]:
    """Ids of all erasures, the oldest first."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": ERASURES}},
        ConsistentRead=True,
    )
    for page in pages:
        for item in page["Items"]:
            yield item["sk"]["S"]


def replay(dynamodb: "DynamoDBClient", sqs: "SQSClient", table: str, queue_url: str) -> int:
    """Sends the messages, and tells how many those are."""
    sent = 0
    for erasure_id in erasures_in(dynamodb, table):
        body = json.dumps({"erasure_id": erasure_id, "sweep": False})
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
        sent += 1
    return sent


def main() -> None:
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    clients = boto3.client("dynamodb"), boto3.client("sqs")
    sent = replay(*clients, outputs["AuditTable"], outputs["ErasureQueueUrl"])
    print(f"{sent} erasures are done once more; their receipts stay as they are")


if __name__ == "__main__":
    main()
