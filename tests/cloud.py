"""A cloud in this process: moto's S3, DynamoDB, SQS and EventBridge under the names that the stack uses.

Nothing triggers anything here; a test delivers messages to handlers itself, so that it decides how
often, in which order, and when the process dies.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodbstreams.models import dynamodbstreams_backends
from pynamodb.models import Model

from triagelens.adapters.dynamodb.tables import (
    AuditItem,
    CaseworkItem,
    EphemeralItem,
    RegistryItem,
    UsersItem,
)

REGION = "eu-central-1"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
TABLES: dict[str, type[Model]] = {
    "casework": CaseworkItem,
    "registry": RegistryItem,
    "users": UsersItem,
    "audit": AuditItem,
    "ephemeral": EphemeralItem,
}
BUCKETS = ("audit", "uploads", "images", "models", "learning", "documents")
PUBLISHED = "published"
QUEUES = ("quality", "inference", "registration", "replay", "erasure", "exports")
DLQS = ("dead", "dead-requests", "dead-events", "dead-reports")
MAX_RECEIVE_COUNT = 5

Handler = Callable[[dict[str, Any], Any], Any]


@lru_cache
def client(service: str) -> Any:
    """A client that is kept from test to test: making one takes longer than most tests."""
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # any service's name


@dataclass
class FakeContext:
    """As much of Lambda's context as Powertools looks at."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:000000000000:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass
class Cloud:
    """Clients and addresses of one test's cloud. Make it inside `moto.mock_aws`."""

    queue_urls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.s3, self.sqs = client("s3"), client("sqs")
        self.dynamodb, self.events = client("dynamodb"), client("events")
        self.kms = client("kms")
        self.signing_key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        for name in BUCKETS:
            self.make_bucket(name)
        for name in TABLES:
            self.make_table(name)
        self.dynamodb.update_table(TableName="casework", StreamSpecification=STREAM)
        for name in (*QUEUES, *DLQS, PUBLISHED):
            self.queue_urls[name] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self._listen()

    def make_bucket(self, name: str) -> None:
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def make_table(self, name: str) -> None:
        item = TABLES[name]
        item.Meta.table_name, item.Meta.region = name, REGION
        item.create_table(billing_mode="PAY_PER_REQUEST")

    def _listen(self) -> None:
        """Everything on the bus also goes to a queue, for the test to look at."""
        self.events.create_event_bus(Name="bus")
        self.events.put_rule(
            Name="all", EventBusName="bus", EventPattern=json.dumps({"source": ["triagelens"]})
        )
        arn = f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:{PUBLISHED}"
        self.events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "all", "Arn": arn}])

    def published(self) -> list[dict[str, Any]]:
        """Takes all events that the bus was given since the last look."""
        return [json.loads(body) for body in self.waiting(PUBLISHED)]

    @property
    def environment(self) -> dict[str, str]:
        """What the stack would set on the functions."""
        return {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "STAGE": "dev",
            **{f"{name.upper()}_TABLE": name for name in TABLES},
            **{f"{name.upper()}_BUCKET": name for name in BUCKETS},
            **{f"{name.upper()}_QUEUE_URL": self.queue_urls[name] for name in QUEUES},
            "QUALITY_DLQ_URL": self.queue_urls["dead"],
            "INFERENCE_DLQ_URL": self.queue_urls["dead-requests"],
            "REPORTS_DLQ_URL": self.queue_urls["dead-reports"],
            "DEAD_LETTERS_URL": self.queue_urls["dead-events"],
            "EVENT_BUS_NAME": "bus",
            "EVIDENCE_WITHIN_S": "20",
            "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
            "ORT_THREADS": "1",
            "SIGNING_KEY_ID": self.signing_key["Arn"],
            "EXPLAIN_FUNCTION": "explain_image",
            "TRIAL_MEMORY_MB": "2048",
            "TRIAL_TIMEOUT_S": "30",
            "GATE_BUDGET_S": "60",
            "POWERTOOLS_SERVICE_NAME": "test",
            "POWERTOOLS_METRICS_NAMESPACE": "Triagelens",
            "POWERTOOLS_TRACE_DISABLED": "true",
        }

    def upload(self, key: str, data: bytes) -> dict[str, Any]:
        """Stores an original and gives the notification that S3 would send for it."""
        version = self.s3.put_object(Bucket="uploads", Key=key, Body=data)["VersionId"]
        entity = {"bucket": {"name": "uploads"}, "object": {"key": key, "versionId": version}}
        return {"Records": [{"eventName": "ObjectCreated:Post", "s3": entity}]}

    def waiting(self, queue: str) -> list[str]:
        """Takes all messages out of a queue and gives their bodies."""
        bodies: list[str] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=self.queue_urls[queue], MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(message["Body"])
                self.sqs.delete_message(
                    QueueUrl=self.queue_urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )

    def stream_event(self) -> dict[str, Any]:
        """Everything that the casework table's stream holds, as Lambda would be given it.

        Asked of moto's backend: its address of the streams API is not the one that boto3 calls.
        """
        streams = dynamodbstreams_backends[DEFAULT_ACCOUNT_ID][REGION]
        arn = self.dynamodb.describe_table(TableName="casework")["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(arn)["Shards"]
        iterator = streams.get_shard_iterator(arn, shard["ShardId"], "TRIM_HORIZON")
        return {"Records": streams.get_records(iterator.arn, 1000)["Records"]}


def sqs_event(*bodies: str | dict[str, Any], receive_count: int = 1) -> dict[str, Any]:
    """A batch as SQS gives it to a function; message ids are `m0`, `m1`, ..."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": text,
                "attributes": {"ApproximateReceiveCount": str(receive_count)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:queue",
                "awsRegion": REGION,
            }
            for number, text in enumerate(texts)
        ]
    }


def failed_ids(answer: dict[str, Any]) -> list[str]:
    """Messages that a handler asks to be given again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
