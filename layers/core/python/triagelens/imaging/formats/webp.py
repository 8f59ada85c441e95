"""WebP (RFC 9649): a RIFF container with one VP8 or VP8L picture."""

import struct
from dataclasses import replace

from triagelens.imaging.formats.exif import read_orientation
from triagelens.imaging.formats.header import Header, corrupt, truncated, unsupported

_MAX_CHUNKS = 1024
_ANIMATION = {b"ANIM", b"ANMF"}


def read_webp(data: bytes) -> Header:
    """The header of a whole, still WebP.

    Raises:
        UnreadableImageError: `truncated`, `corrupt` or `unsupported_format` (animated).
    """
    if len(data) < 20:
        raise truncated()
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise truncated()
    chunks = _chunks(data, end)
    by_kind = dict(chunks)
    if _ANIMATION & by_kind.keys():
        raise unsupported("An animated WebP")
    pictures = [_PICTURES[kind](body) for kind, body in chunks if kind in _PICTURES]
    if len(pictures) != 1:
        raise corrupt("it does not hold one picture")
    picture = pictures[0]
    if b"VP8X" in by_kind and _canvas(by_kind[b"VP8X"]) != (picture.width, picture.height):
        raise corrupt("its picture does not fill its canvas")
    return replace(
        picture,
        orientation=read_orientation(by_kind.get(b"EXIF", b"")),
        alpha=picture.alpha or b"ALPH" in by_kind,
    )


def _chunks(data: bytes, end: int) -> list[tuple[bytes, bytes]]:
    """Kind and beginning (pictures: the first 16 bytes; else all) of each chunk up to `end`."""
    chunks: list[tuple[bytes, bytes]] = []
    position = 12
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        if start + length > end:
            raise truncated()
        if len(chunks) == _MAX_CHUNKS:
            raise corrupt("too many chunks")
        wanted = length if kind == b"EXIF" else min(length, 16)
        chunks.append((kind, data[start : start + wanted]))
        position = start + length + length % 2
    return chunks


def _canvas(body: bytes) -> tuple[int, int]:
    if len(body) < 10:
        raise corrupt("its header is too short")
    return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")


def _lossy(body: bytes) -> Header:
    """VP8 key frame (RFC 6386, 9.1): three bytes of tag, start code, 14 bits of width and of height."""
    if len(body) < 10 or body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":
        raise corrupt("its picture does not begin with a key frame")
    width, height = struct.unpack_from("<HH", body, 6)
    return Header(format="webp", width=width & 0x3FFF, height=height & 0x3FFF)


def _lossless(body: bytes) -> Header:
    """VP8L: signature, then 14 bits of width - 1, 14 of height - 1, and one for alpha."""
    if len(body) < 5 or body[0] != 0x2F:
        raise corrupt("its picture has no signature")
    bits = int.from_bytes(body[1:5], "little")
    alpha = bool(bits >> 28 & 1)
    return Header(format="webp", width=1 + (bits & 0x3FFF), height=1 + (bits >> 14 & 0x3FFF), alpha=alpha)


_PICTURES = {b"VP8 ": _lossy, b"VP8L": _lossless}
