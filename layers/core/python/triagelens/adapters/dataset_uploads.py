"""Where datasets come in: the prefix `archives/` of the learning bucket."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triagelens.domain.errors import NotFoundError
from triagelens.services.learning_ports import Arrived
from triagelens.services.ports import UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT_TYPE = "application/octet-stream"
_GONE = frozenset({"NoSuchUpload", "NoSuchKey", "404"})


class S3DatasetUploads:
    """`services.learning_ports.DatasetUploads`. It lists versions instead of asking for an object's head,
    which only a reader may.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(self, key: str, size_bytes: int, lifetime: timedelta) -> UploadForm:
        form = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields={"Content-Type": CONTENT_TYPE},
            Conditions=[["content-length-range", size_bytes, size_bytes], {"Content-Type": CONTENT_TYPE}],
            ExpiresIn=int(lifetime.total_seconds()),
        )
        return UploadForm(url=form["url"], fields=form["fields"])

    def begin_parts(self, key: str) -> str:
        answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=CONTENT_TYPE)
        return answer["UploadId"]

    def part_url(self, key: str, s3_upload_id: str, number: int, size_bytes: int, lifetime: timedelta) -> str:
        # The length is signed with the rest: no other goes through.
        part = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": s3_upload_id,
            "PartNumber": number,
            "ContentLength": size_bytes,
        }
        return self._client.generate_presigned_url(
            "upload_part", Params=part, ExpiresIn=int(lifetime.total_seconds())
        )

    def parts(self, key: str, s3_upload_id: str) -> dict[int, int]:
        return {number: size for number, size, _ in self._parts(key, s3_upload_id)}

    def complete(self, key: str, s3_upload_id: str) -> None:
        found = self._parts(key, s3_upload_id)
        try:
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=s3_upload_id,
                MultipartUpload={"Parts": [{"PartNumber": number, "ETag": tag} for number, _, tag in found]},
            )
        except ClientError as error:
            raise _gone(error) from error

    def abort(self, key: str, s3_upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=s3_upload_id)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=CONTENT_TYPE)

    def arrived(self, key: str) -> Arrived | None:
        # The latest version of a key comes first, and no other key sorts before the prefix itself.
        listed = self._client.list_object_versions(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        for version in listed.get("Versions", []):
            if version["Key"] == key and version["IsLatest"]:
                return Arrived(version["VersionId"], version["Size"])
        return None

    def any_arrived(self, prefix: str) -> bool:
        listed = self._client.list_object_versions(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)
        return bool(listed.get("Versions"))

    def problems_url(self, key: str, lifetime: timedelta) -> str:
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=int(lifetime.total_seconds())
        )

    def _parts(self, key: str, s3_upload_id: str) -> list[tuple[int, int, str]]:
        """Number, bytes and entity tag of each part, by number."""
        pages: Any = self._client.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=key, UploadId=s3_upload_id
        )
        try:
            return [
                (part["PartNumber"], part["Size"], part["ETag"])
                for page in pages
                for part in page.get("Parts", [])
            ]
        except ClientError as error:
            raise _gone(error) from error


def _gone(error: ClientError) -> Exception:
    """NotFoundError, if that is what S3 says; else the error itself."""
    if error.response["Error"]["Code"] in _GONE:
        return NotFoundError("The upload is gone: it was completed, given up, or has expired.")
    return error
