"""Zip archives, read by their index, which is bounded before it is loaded."""

import io
import itertools
import stat
import struct
import zipfile
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

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_TAIL = 22 + 65_535  # the end record with the longest comment
_ENTRY_BYTES = 46  # of the index, at least, for each file
_LONGEST_ENTRY = 2_000  # bytes of the index for one file: its name, times, attributes
_ENCRYPTED = 0x1 | 0x40
_UTF8 = 0x800
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError)
_LOCAL_HEADER = 30  # bytes before a file's name and content, at least


def zip_members(file: BinaryIO, meter: Meter) -> Iterator[Member]:
    """The files of a zip archive in the order in which they are stored.

    Raises:
        RefusedArchiveError: it is cut short, damaged, overlaps itself or passes a bound.
    """
    _check_index(file, meter)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, UnicodeDecodeError, struct.error, ValueError, OSError) as error:
        raise RefusedArchiveError(f"The zip archive's index is damaged: {error}.") from error
    with archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        _check_overlap(infos)
        for info in infos:
            meter.file()
            if not info.is_dir():
                yield _member(archive, info, meter)


def _check_index(file: BinaryIO, meter: Meter) -> None:
    """Bound the index by what the end of the file says, before anything of that size is read."""
    start = max(0, meter.packed - _TAIL)
    file.seek(start)
    tail = file.read(_TAIL)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise RefusedArchiveError("The zip archive is cut short: its index, at the end, is missing.")
    count, size = struct.unpack_from("<HL", tail, at + 10)
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        (offset,) = struct.unpack_from("<Q", tail, at - 12)
        file.seek(min(offset, meter.packed))
        record = file.read(56)
        if len(record) == 56 and record.startswith(_END64):
            count, size = struct.unpack_from("<QQ", record, 32)
    most = meter.limits.most_files
    if count > most or size > most * _LONGEST_ENTRY or size // _ENTRY_BYTES > most:
        raise RefusedArchiveError(f"The archive holds more than {most} files.")
    if size > meter.packed:
        raise RefusedArchiveError("The zip archive's index is damaged: it is larger than the archive.")
    file.seek(0)


def _check_overlap(infos: list[zipfile.ZipInfo]) -> None:
    for info, following in itertools.pairwise(infos):
        if info.header_offset + _LOCAL_HEADER + info.compress_size > following.header_offset:
            raise RefusedArchiveError(
                "The zip archive's files overlap each other, as in archives that are meant to do harm."
            )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, meter: Meter) -> Member:
    name, problem = _name(info)
    problem = problem or wrong_with_name(name, meter.limits) or _wrong_with_kind(info)
    if problem:
        return Member(shown(name), problem, nothing)
    return Member(shown(name), None, _reader(archive, info, meter))


def _name(info: zipfile.ZipInfo) -> tuple[str, tuple[str, str] | None]:
    """The path with forward slashes, and why its bytes are no name, if they are none."""
    given = info.orig_filename
    if "\0" in given:
        return given, ("its name has control characters", "name_unsafe")
    if not info.flag_bits & _UTF8 and not given.isascii():
        # Not declared as UTF-8; many programs write it all the same.
        try:
            given = given.encode("cp437").decode("utf-8")
        except UnicodeError:
            return given, ("its name is not UTF-8", "name_not_utf8")
    return given.replace("\\", "/"), None


def _wrong_with_kind(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "it is a link", "link"
    if kind and not stat.S_ISREG(kind):
        return "it is no regular file", "special_file"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted", "encrypted"
    if info.compress_type not in _METHODS:
        return "it is compressed in a way that is not read here; use plain zip", "compression"
    return None


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo, meter: Meter) -> Callable[[], bytes]:
    def read() -> bytes:
        content = io.BytesIO()
        try:
            with archive.open(info) as file:
                while chunk := file.read(CHUNK):
                    meter.bytes(len(chunk))
                    if content.tell() + len(chunk) > meter.limits.most_file_bytes:
                        raise too_large(meter.limits)
                    content.write(chunk)
        except _DAMAGED as error:
            raise UnusableMemberError(f"it is damaged ({error})", "damaged") from error
        return content.getvalue()

    return read
