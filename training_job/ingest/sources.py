"""Archives as seekable files that are never held whole: on disk, or in S3 by ranged requests."""

import io
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from triagelens.domain.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from typing_extensions import Buffer

WINDOW = 8 << 20  # bytes asked for at once
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"})


class S3Object(io.RawIOBase):
    """One version of an object, read by ranges. Wrap it into `io.BufferedReader`, as `open_object` does.

    Each read is a request of its own, so that nothing hangs on a connection that stays open for hours.

    Raises:
        NotFoundError: there is no such object, or version of it.
    """

    def __init__(self, client: "S3Client", bucket: str, key: str, object_version: str | None = None) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        if object_version is not None:
            self._where["VersionId"] = object_version
        try:
            head = client.head_object(**self._where)  # type: ignore[arg-type]  # keyword by keyword
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise NotFoundError("The uploaded file is gone.") from error
            raise
        self._size = head["ContentLength"]
        self._etag = head["ETag"]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("a position before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "Buffer", /) -> int:
        view = memoryview(buffer)
        end = min(self._position + len(view), self._size)
        if self._position >= end:
            return 0
        data = self._between(self._position, end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _between(self, start: int, end: int) -> bytes:
        """Bytes from `start` to before `end`; never of another object than the one whose size is known."""
        answer = self._client.get_object(
            **self._where,  # type: ignore[arg-type]  # keyword by keyword
            Range=f"bytes={start}-{end - 1}",
            IfMatch=self._etag,
        )
        if "ContentRange" in answer:
            return answer["Body"].read()
        # A server may ignore a range (RFC 9110, 14.2). The laptop's does so where a version is named.
        if self._where.pop("VersionId", None) is not None:
            answer["Body"].close()
            return self._between(start, end)
        return answer["Body"].read()[start:end]


def open_object(client: "S3Client", bucket: str, key: str, object_version: str | None = None) -> BinaryIO:
    """An object as a file; at most `WINDOW` bytes of it are in memory."""
    return io.BufferedReader(S3Object(client, bucket, key, object_version), WINDOW)


def size_of(file: BinaryIO) -> int:
    """Bytes of a seekable file, which is left at its beginning."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size
