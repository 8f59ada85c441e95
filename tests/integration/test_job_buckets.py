"""What a job's container does with S3."""

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from training_job.errors import WeightsError
from training_job.s3_weights import fetch_weights
from triagelens.adapters.buckets import S3Bucket
from triagelens.domain.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET = "learning"
LARGE = 9_000_000  # bytes; boto3 sends more than 8 MiB in parts


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.mark.parametrize("content", [b"", b"small", b"\x07" * LARGE], ids=["empty", "small", "in parts"])
def test_what_is_written_is_read_again(s3: "S3Client", content: bytes) -> None:
    bucket = S3Bucket(s3, BUCKET)
    assert not bucket.exists("jobs/a")
    bucket.write("jobs/a", content)
    assert bucket.exists("jobs/a")
    assert bucket.read("jobs/a") == content


def test_an_older_version_is_read_by_its_name(s3: "S3Client") -> None:
    bucket = S3Bucket(s3, BUCKET)
    older = s3.put_object(Bucket=BUCKET, Key="image", Body=b"older")["VersionId"]
    bucket.write("image", b"newer")
    assert bucket.read("image", older) == b"older"
    assert bucket.read("image") == b"newer"


def test_what_was_deleted_is_gone_and_may_be_deleted_again(s3: "S3Client") -> None:
    bucket = S3Bucket(s3, BUCKET)
    bucket.write("jobs/a", b"a")
    for _ in range(2):
        bucket.delete("jobs/a")
    with pytest.raises(NotFoundError):
        bucket.read("jobs/a")


def test_a_bucket_that_is_not_there_is_not_taken_for_a_missing_object(s3: "S3Client") -> None:
    with pytest.raises(ClientError):
        S3Bucket(s3, "another").read("jobs/a")


def test_weights_come_from_an_address(s3: "S3Client", tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="weights/resnet.safetensors", Body=b"weights")
    path = fetch_weights(f"s3://{BUCKET}/weights/resnet.safetensors", tmp_path)
    assert (path.name, path.read_bytes()) == ("resnet.safetensors", b"weights")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"s3://{BUCKET}/gone.safetensors", "cannot be fetched"),
        ("s3://nowhere/gone.safetensors", "cannot be fetched"),
        ("s3:///key.safetensors", "no address"),
        (f"s3://{BUCKET}", "no address"),
        ("https://learning/key.safetensors", "no address"),
    ],
)
def test_weights_that_cannot_be_had_are_named(
    s3: "S3Client", tmp_path: Path, address: str, words: str
) -> None:
    with pytest.raises(WeightsError, match=words) as caught:
        fetch_weights(address, tmp_path)
    assert address in str(caught.value)
