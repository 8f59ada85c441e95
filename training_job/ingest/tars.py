"""Tar archives, plain or gzipped, read once from beginning to end."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from training_job.ingest.members import (
    CHUNK,
    Member,
    Meter,
    RefusedArchiveError,
    UnusableMemberError,
    nothing,
    shown,
    too_large,
    wrong_with_name,
)

_BLOCK = 512
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError)
_SPARSE = ("GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.name")


class _Forward(io.RawIOBase):
    """A stream that goes forward only, counts all that passes, and hands out no large header.

    `tarfile` reads a member's headers (long names, PAX attributes) whole, in the size that they
    say they have: while `in_header`, no more than a bounded number of bytes is given.
    """

    def __init__(self, stream: BinaryIO, meter: Meter) -> None:
        self._stream, self._meter = stream, meter
        self._position = 0
        self._header_bytes = 0
        self.in_header = True
        self.last_block = b""

    def begin_header(self) -> None:
        self.in_header = True
        self._header_bytes = 0

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset < self._position:
            raise tarfile.ReadError("it leads backwards")
        while self._position < offset:
            if not self._take(min(CHUNK, offset - self._position)):
                raise EOFError("it ends too early")
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        if self.in_header:
            self._header_bytes += max(0, size)
            if size < 0 or self._header_bytes > self._meter.limits.most_header_bytes:
                raise RefusedArchiveError("What the tar archive says about one of its files is too long.")
        data = self._take(CHUNK if size < 0 else size)
        if self.in_header and size == _BLOCK:
            self.last_block = data
        return data

    def _take(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0 and (part := self._stream.read(min(size, CHUNK))):
            self._meter.bytes(len(part))
            self._position += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)


def tar_members(file: BinaryIO, meter: Meter, *, gzipped: bool) -> Iterator[Member]:
    """The files of a tar archive, in its order.

    Raises:
        RefusedArchiveError: it is cut short, damaged or passes a bound.
    """
    stream = _Forward(gzip.GzipFile(fileobj=file) if gzipped else file, meter)  # type: ignore[arg-type]  # GzipFile is one in all but name
    try:
        with tarfile.TarFile(fileobj=stream, errors="surrogateescape") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # in no stub; else all of them are kept
                meter.file()
                if info.size < 0:
                    raise tarfile.ReadError("a file of negative size")
                if not info.isdir():
                    stream.in_header = False
                    yield _member(archive, info, meter)
                stream.begin_header()
    except _DAMAGED as error:
        raise _damaged(error) from error
    if stream.last_block.count(0) != _BLOCK:
        raise RefusedArchiveError("The tar archive is cut short or damaged: its end is missing.")


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, meter: Meter) -> Member:
    name = info.name.replace("\\", "/")
    problem = wrong_with_name(name, meter.limits) or _wrong_with_kind(info)
    if problem:
        return Member(shown(name), problem, nothing)
    return Member(shown(name), None, _reader(archive, info, meter))


def _wrong_with_kind(info: tarfile.TarInfo) -> tuple[str, str] | None:
    if info.issym() or info.islnk():
        return "it is a link", "link"
    if not info.isreg() or info.issparse() or any(name in info.pax_headers for name in _SPARSE):
        return "it is no regular file", "special_file"
    return None


def _reader(archive: tarfile.TarFile, info: tarfile.TarInfo, meter: Meter) -> Callable[[], bytes]:
    def read() -> bytes:
        if info.size > meter.limits.most_file_bytes:
            raise too_large(meter.limits)
        file = archive.extractfile(info)
        if file is None:
            raise UnusableMemberError("it is no regular file", "special_file")
        content = io.BytesIO()
        try:
            while chunk := file.read(CHUNK):
                content.write(chunk)
        except _DAMAGED as error:  # what comes after it cannot be found any more
            raise _damaged(error) from error
        return content.getvalue()

    return read


def _damaged(error: Exception) -> RefusedArchiveError:
    return RefusedArchiveError(f"The archive is cut short or damaged: {error}.")
