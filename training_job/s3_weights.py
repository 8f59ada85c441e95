"""Weights to begin with that lie in S3."""

from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from training_job.errors import WeightsError

SCHEME = "s3"


def fetch_weights(address: str, folder: Path) -> Path:
    """The file at `s3://bucket/key`, in `folder`, read with the rights of whoever runs this.

    Raises:
        WeightsError: the address is not one, or the object cannot be read.
    """
    parts = urlsplit(address)
    key = parts.path.lstrip("/")
    if parts.scheme != SCHEME or not parts.netloc or not key:
        raise WeightsError(f"{address} is no address of an object: s3://bucket/key is.")
    path = folder / Path(key).name
    try:
        boto3.client("s3").download_file(parts.netloc, key, str(path))
    except (ClientError, BotoCoreError) as error:
        raise WeightsError(f"{address} cannot be fetched: {error}") from error
    return path
