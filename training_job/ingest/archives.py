"""An uploaded file, opened by what it holds, whatever it is called."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from training_job.ingest.members import ArchiveLimits, Member, Meter, RefusedArchiveError
from training_job.ingest.sources import size_of
from training_job.ingest.tars import tar_members
from training_job.ingest.zips import zip_members

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"II*\0", b"MM\0*")
_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ\0", "packed with xz"),
    (b"BZh", "packed with bzip2"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard"),
    (b"%PDF", "a PDF document"),
)
_HEAD = 512
_USTAR = 257  # where a tar header says so


def kind_of(head: bytes) -> str | None:
    """`zip`, `gzip` or `tar`, by the first 512 bytes of a file; None if it is no archive."""
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return "zip"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    return "tar" if _is_tar(head) else None


def is_archive(head: bytes) -> bool:
    """Whether a file is an archive, of a kind that is opened or of another."""
    return kind_of(head) is not None or any(head.startswith(magic) for magic, _ in _FOREIGN[:-1])


def members_of(file: BinaryIO, limits: ArchiveLimits) -> Iterator[Member]:
    """The files of an archive, one after the other.

    Raises:
        RefusedArchiveError: it is none that is opened here, or as `zip_members` and `tar_members`.
    """
    size = size_of(file)
    head = file.read(_HEAD)
    file.seek(0)
    kind, meter = kind_of(head), Meter(limits, packed=size)
    if kind == "zip":
        return zip_members(file, meter)
    if kind == "tar":
        return tar_members(file, meter, gzipped=False)
    if kind == "gzip":
        _require_tar_inside(file)
        return tar_members(file, meter, gzipped=True)
    raise RefusedArchiveError(f"The file is {_told(head)}. Send a zip, tar or tgz archive.")


def _require_tar_inside(file: BinaryIO) -> None:
    """Look at the first unpacked bytes; no more than those are unpacked for it."""
    try:
        head = zlib.decompressobj(wbits=31).decompress(file.read(1 << 16), _HEAD)
    except zlib.error as error:
        raise RefusedArchiveError(f"The archive is cut short or damaged: {error}.") from error
    file.seek(0)
    if kind_of(head) == "tar" or (len(head) == _HEAD and not any(head)):
        return
    inside = "another archive" if is_archive(head) else "no tar archive"
    raise RefusedArchiveError(f"There is {inside} inside the gzip file. Send a zip, tar or tgz archive.")


def _is_tar(head: bytes) -> bool:
    """Whether a tar header's checksum is right: older forms say nothing else."""
    if len(head) < _HEAD:
        return False
    if head[_USTAR : _USTAR + 5] == b"ustar":
        return True
    digits = head[148:156].strip(b" \0")
    if not digits or not all(digit in b"01234567" for digit in digits):
        return False
    return int(digits, 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:])


def _told(head: bytes) -> str:
    if not head:
        return "empty"
    if any(head.startswith(magic) for magic in _IMAGES):
        return "a single image, not an archive"
    return next((name for magic, name in _FOREIGN if head.startswith(magic)), "no archive")
