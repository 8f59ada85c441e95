"""Files of exports, in the documents bucket."""

from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from triagelens.domain.exports import ExportFile, ExportRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})


class S3ExportFiles:
    """`services.export_ports.ExportFiles`. Links name the version that the record names."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, key: str, content: BinaryIO, content_type: str) -> str:
        answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)
        return answer["VersionId"]

    def exists(self, file: ExportFile) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=file.key, VersionId=file.object_version)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return True

    def url(self, file: ExportFile, lifetime: timedelta) -> str:
        name = file.key.rpartition("/")[2]
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": file.key,
                "VersionId": file.object_version,
                "ResponseContentDisposition": f'attachment; filename="{name}"',
            },
            ExpiresIn=max(1, int(lifetime.total_seconds())),
        )


class SqsExportQueue:
    """`services.export_ports.ExportQueue`."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, request: ExportRequest) -> None:
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.model_dump_json())
