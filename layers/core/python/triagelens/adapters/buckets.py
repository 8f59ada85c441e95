"""A whole bucket, for the container that runs jobs."""

import io
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triagelens.domain.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ONE_REQUEST_BYTES = 8 << 20  # larger objects go in parts, by threads that would cost more than they save here
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"})


class S3Bucket:
    """`training_job.jobs.ports.Bucket`. Large objects go in parts, and are whole or not there."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str, object_version: str | None = None) -> bytes:
        where: dict[str, Any] = {} if object_version is None else {"VersionId": object_version}
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, **where)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise NotFoundError("The object is gone.") from error
            raise

    def exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return True

    def write(self, key: str, content: bytes) -> None:
        if len(content) <= ONE_REQUEST_BYTES:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)
        else:
            self._client.upload_fileobj(io.BytesIO(content), self._bucket, key)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key)
