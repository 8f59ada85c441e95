"""A cloud in which somebody can be erased: everything that it holds as one text, and a worker."""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from aws_lambda_powertools import Logger

import check_quality.handler
import clinic_api.observability
import count_records.handler
import erase_patient.handler
import erase_patient.settings
import erase_patient.wiring
import rank_cases.handler
import run_inference.handler
from tests.cloud import BUCKETS, QUEUES, REGION, TABLES, Cloud, FakeContext, failed_ids, sqs_event

LOGGERS: tuple[Logger, ...] = (
    check_quality.handler.logger,
    clinic_api.observability.logger,
    count_records.handler.logger,
    erase_patient.handler.logger,
    rank_cases.handler.logger,
    run_inference.handler.logger,
)


def begin_anew() -> None:
    """Forgets the adapters of another test's cloud."""
    erase_patient.settings.settings.cache_clear()
    erase_patient.wiring.erasing.cache_clear()


def work(*bodies: Any, receive_count: int = 1) -> list[str]:
    """Has the worker take messages; gives those that have to come again."""
    event = sqs_event(*bodies, receive_count=receive_count)
    return failed_ids(dict(erase_patient.handler.handler(event, FakeContext())))


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that functions log in this block."""
    out = io.StringIO()
    with ExitStack() as stack:
        for logger in LOGGERS:
            stack.enter_context(patch.object(logger.registered_handler, "stream", out))
        yield out


def everything(cloud: Cloud, pool_id: str | None = None) -> str:
    """Every item of every table, every version of every object, every waiting message, every account."""
    told = [json.dumps(items_of(cloud, table), default=str) for table in TABLES]
    told += [data for bucket in BUCKETS for data in versions_of(cloud, bucket)]
    for queue in QUEUES:
        answer = cloud.sqs.receive_message(
            QueueUrl=cloud.queue_urls[queue], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        told += [message["Body"] for message in answer.get("Messages", [])]
    if pool_id is not None:
        users = boto3.client("cognito-idp", region_name=REGION).list_users(UserPoolId=pool_id)["Users"]
        told.append(json.dumps(users, default=str))
    return "\n".join(told)


def items_of(cloud: Cloud, table: str) -> list[dict[str, Any]]:
    return [
        item
        for page in cloud.dynamodb.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
    ]


def versions_of(cloud: Cloud, bucket: str) -> Iterator[str]:
    """Key and content of each version."""
    for page in cloud.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            where = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            yield version["Key"] + cloud.s3.get_object(**where)["Body"].read().decode("latin-1")
        for marker in page.get("DeleteMarkers", []):
            yield f"marker {marker['Key']}"
