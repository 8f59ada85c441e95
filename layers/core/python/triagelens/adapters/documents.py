"""The documents bucket: what the platform writes for people to keep, and what a former one wrote."""

import base64
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triagelens.services.ports import UploadForm
from triagelens.services.report_ports import ArrivedFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT_TYPE = "application/pdf"
_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 16
_GONE = frozenset({"NoSuchKey", "404"})


class S3ReportFiles:
    """`services.report_ports.ReportFiles`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=CONTENT_TYPE)

    def url(self, key: str, name: str, lifetime: timedelta) -> str:
        asked = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": CONTENT_TYPE,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self._client.generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=int(lifetime.total_seconds())
        )

    def form(self, key: str, size_bytes: int, sha256: str, lifetime: timedelta) -> UploadForm:
        fields: dict[str, Any] = {
            "Content-Type": CONTENT_TYPE,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
        }
        conditions: list[Any] = [
            ["content-length-range", size_bytes, size_bytes],
            *({name: value} for name, value in fields.items()),
        ]
        form = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields=fields,
            Conditions=conditions,
            ExpiresIn=int(lifetime.total_seconds()),
        )
        return UploadForm(url=form["url"], fields=form["fields"])

    def arrived(self, key: str) -> ArrivedFile | None:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        digest, size, head = hashlib.sha256(), 0, b""
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            head = head or chunk[:_HEAD_BYTES]
            size += len(chunk)
            digest.update(chunk)
        return ArrivedFile(size, digest.hexdigest(), head)
