"""JPEG (ITU-T T.81, annex B): a walk over the markers from SOI to EOI."""

import re
from dataclasses import dataclass

from triagelens.domain.errors import UnreadableImageError
from triagelens.imaging.formats.exif import read_orientation
from triagelens.imaging.formats.header import Header, corrupt, truncated, unsupported

_SOI, _EOI, _SOS, _APP1, _TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0x01
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC are no frames
# Any marker but stuffed zeros, restart markers and fill bytes: inside a scan, where the scan ends.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# Far above what cameras write; each costs time while walking or decoding.
_MAX_SEGMENTS, _MAX_SCANS = 4096, 64


@dataclass(slots=True)
class _Found:
    frame: Header | None = None
    orientation: int = 1
    scans: int = 0


def read_jpeg(data: bytes) -> Header:
    """The header of a whole JPEG. What follows the end marker (as in motion photos) is ignored.

    Raises:
        UnreadableImageError: `truncated` (no end marker), `corrupt` or `unsupported_format`.
    """
    found = _Found()
    position = 2
    for _ in range(_MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None:
            raise truncated()
        marker, position = data[match.end() - 1], match.end()
        if marker == _EOI:
            return _finished(found)
        if marker == _SOI:
            raise corrupt("a second image begins inside the first")
        if marker != _TEM:
            body = _segment(data, position)
            _note(found, marker, body)
            position += 2 + len(body)
    raise corrupt("too many segments")


def _segment(data: bytes, position: int) -> bytes:
    """The segment's content; `position` is that of its two bytes of length, which count themselves."""
    length = int.from_bytes(data[position : position + 2])
    if position + max(length, 2) > len(data):
        raise truncated()
    if length < 2:
        raise corrupt("a segment has no length")
    return data[position + 2 : position + length]


def _note(found: _Found, marker: int, body: bytes) -> None:
    if marker in _FRAMES:
        if found.frame is not None:
            raise corrupt("it has two frame headers")
        found.frame = _frame(marker, body)
    elif marker == _APP1 and body.startswith(b"Exif\0\0") and found.orientation == 1:
        found.orientation = read_orientation(body)
    elif marker == _SOS:
        if found.frame is None:
            raise corrupt("image data before its header")
        found.scans += 1
        if found.scans > _MAX_SCANS:
            raise corrupt("too many scans")


def _frame(marker: int, body: bytes) -> Header:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise corrupt("its frame header is too short")
    bits, channels = body[0], body[5]
    if marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE) or bits != 8:
        raise unsupported("A lossless, arithmetic-coded or 12-bit JPEG")
    if channels not in (1, 3, 4):
        raise unsupported(f"A JPEG of {channels} colour components")
    return Header(
        format="jpeg",
        width=int.from_bytes(body[3:5]),
        height=int.from_bytes(body[1:3]),
        channels=channels,
        progressive=marker == _PROGRESSIVE,
    )


def _finished(found: _Found) -> Header:
    if found.frame is None or found.scans == 0:
        raise UnreadableImageError("corrupt", "The file is a JPEG without an image in it.")
    return Header(
        format="jpeg",
        width=found.frame.width,
        height=found.frame.height,
        channels=found.frame.channels,
        orientation=found.orientation,
        progressive=found.frame.progressive,
    )
