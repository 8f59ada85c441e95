"""Where models come in by hand."""

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from triagelens.services.ports import UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ModelUploads:
    """`services.registry_ports.ModelUploads`: the prefix `incoming/` of the models bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(
        self, key: str, content_type: str, sizes: tuple[int, int], sha256: str | None, lifetime: timedelta
    ) -> UploadForm:
        fields: dict[str, Any] = {"Content-Type": content_type}
        if sha256 is not None:
            fields["x-amz-checksum-algorithm"] = "SHA256"
            fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        form = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields=fields,
            Conditions=[["content-length-range", *sizes], *({name: value} for name, value in fields.items())],
            ExpiresIn=int(lifetime.total_seconds()),
        )
        return UploadForm(url=form["url"], fields=form["fields"])
