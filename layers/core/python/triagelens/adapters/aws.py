"""boto3 clients, made once per process."""

from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

_CALLS = Config(connect_timeout=3, read_timeout=20, retries={"max_attempts": 4, "mode": "standard"})
# Forms and links are presigned for the region's own endpoint; the laptop cloud has no name for each bucket.
_PRESIGNING = _CALLS.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
_PRESIGNING_BY_PATH = _CALLS.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))


@lru_cache
def s3_client(region: str, *, path_style: bool = False, endpoint_url: str | None = None) -> "S3Client":
    """A client that presigns for `endpoint_url`, where clients reach the bucket elsewhere than we do."""
    config = _PRESIGNING_BY_PATH if path_style else _PRESIGNING
    return boto3.client("s3", region_name=region, endpoint_url=endpoint_url, config=config)


@lru_cache
def sqs_client(region: str) -> "SQSClient":
    return boto3.client("sqs", region_name=region, config=_CALLS)


@lru_cache
def events_client(region: str) -> "EventBridgeClient":
    return boto3.client("events", region_name=region, config=_CALLS)


@lru_cache
def ses_client(region: str) -> "SESV2Client":
    """A client that asks once: a call that timed out may have sent its mail, and its message comes again."""
    once = Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 1, "mode": "standard"})
    return boto3.client("sesv2", region_name=region, config=once)


@lru_cache
def kms_client(region: str) -> "KMSClient":
    return boto3.client("kms", region_name=region, config=_CALLS)


@lru_cache
def lambda_client(region: str) -> "LambdaClient":
    """A client that waits for an answer as long as API Gateway does, and asks once."""
    waiting = Config(connect_timeout=3, read_timeout=28, retries={"max_attempts": 1, "mode": "standard"})
    return boto3.client("lambda", region_name=region, config=waiting)
