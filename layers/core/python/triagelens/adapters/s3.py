"""Buckets: originals, working images, models."""

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from triagelens.adapters.stored_files import erase_versions
from triagelens.domain.annotations import Shapes
from triagelens.domain.errors import NotFoundError
from triagelens.domain.images import UploadDeclaration
from triagelens.services.ports import UploadForm
from triagelens.services.registry_ports import StoredFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"})


class S3Originals:
    """`services.ports.Originals`: what people uploaded, read by the quality check only."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def form(self, key: str, declaration: UploadDeclaration, lifetime: timedelta) -> UploadForm:
        fields: dict[str, Any] = {"Content-Type": declaration.content_type}
        if declaration.sha256 is not None:
            fields["x-amz-checksum-algorithm"] = "SHA256"
            fields["x-amz-checksum-sha256"] = _base64(declaration.sha256)
        size = declaration.size_bytes
        conditions: list[Any] = [
            ["content-length-range", size, size],
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

    def write(self, key: str, declaration: UploadDeclaration, data: bytes) -> None:
        checksum: dict[str, Any] = {}
        if declaration.sha256 is not None:
            checksum["ChecksumSHA256"] = _base64(declaration.sha256)
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=data, ContentType=declaration.content_type, **checksum
        )

    def read(self, key: str, object_version: str) -> bytes:
        return read_object(self._client, Bucket=self._bucket, Key=key, VersionId=object_version)


class S3WorkingImages:
    """`services.ports.WorkingImages`: the only pixels that inference, people and training see."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="image/jpeg")

    def read(self, key: str) -> bytes:
        return read_object(self._client, Bucket=self._bucket, Key=key)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def erase(self, key: str) -> None:
        erase_versions(self._client, self._bucket, key)

    def url(self, key: str, lifetime: timedelta) -> str:
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=int(lifetime.total_seconds())
        )


class S3ShapeFiles:
    """`services.annotation_ports.ShapeFiles`: large annotations, as JSON."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, key: str, shapes: Shapes) -> None:
        body = shapes.model_dump_json().encode()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def read(self, key: str) -> Shapes:
        return Shapes.model_validate_json(read_object(self._client, Bucket=self._bucket, Key=key))


class S3ModelObjects:
    """`inference.ports.ModelObjects`: exact versions of model files."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str, object_version: str) -> bytes:
        return read_object(self._client, Bucket=self._bucket, Key=key, VersionId=object_version)


class S3ModelFiles:
    """`services.registry_ports.ModelFileStore`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def incoming(self, key: str, object_version: str | None = None) -> StoredFile:
        where: dict[str, Any] = {"VersionId": object_version} if object_version is not None else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **where)
        except ClientError as error:
            raise _gone(error) from error
        return StoredFile(data=answer["Body"].read(), key=key, object_version=answer["VersionId"])

    def keep(self, file: StoredFile, key: str) -> StoredFile:
        answer = self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource={"Bucket": self._bucket, "Key": file.key, "VersionId": file.object_version},
        )
        return StoredFile(data=file.data, key=key, object_version=answer["VersionId"])


def read_object(client: "S3Client", **where: Any) -> bytes:
    """The bytes of an object.

    Raises:
        NotFoundError: the object or that version of it is gone.
    """
    try:
        return client.get_object(**where)["Body"].read()
    except ClientError as error:
        raise _gone(error) from error


def _base64(digest: str) -> str:
    """A hex digest as S3 tells it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _gone(error: ClientError) -> Exception:
    """NotFoundError, if that is what S3 says; else the error itself."""
    return NotFoundError("The object is gone.") if error.response["Error"]["Code"] in _GONE else error
