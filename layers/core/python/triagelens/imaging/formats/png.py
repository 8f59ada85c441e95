"""PNG (W3C, third edition): a walk over the chunks from IHDR to IEND."""

import struct
import zlib
from dataclasses import dataclass, replace

from triagelens.imaging.formats.exif import read_orientation
from triagelens.imaging.formats.header import Header, corrupt, truncated, unsupported

_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by colour type; a palette decodes to three
_WITH_ALPHA = (4, 6)
# libpng inflates whatever there is, up to a thousand times as much; from here on that takes seconds.
_LARGE = 1_000_000
_PIECE = 1 << 20
_MAX_CHUNKS = 65_536  # 8 KB each, as encoders write them, make half a gigabyte


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    body: memoryview
    end: int

    @property
    def critical(self) -> bool:
        return self.kind[:1].isupper()


def read_png(data: bytes) -> Header:
    """The header of a whole PNG whose critical chunks have the right checksums.

    Raises:
        UnreadableImageError: `truncated`, `corrupt` or `unsupported_format` (animated).
    """
    first = _chunk(data, 8)
    header = _image_header(first)
    position, pixels = first.end, []
    for _ in range(_MAX_CHUNKS):
        chunk = _chunk(data, position)
        position = chunk.end
        match chunk.kind:
            case b"IDAT":
                pixels.append(chunk.body)
            case b"tRNS":
                header = replace(header, alpha=True)
            case b"eXIf":
                header = replace(header, orientation=read_orientation(bytes(chunk.body)))
            case b"acTL":
                raise unsupported("An animated PNG")
            case b"IHDR":
                raise corrupt("it has two image headers")
            case b"IEND":
                _check_pixels(header, pixels)
                return header
    raise corrupt("too many chunks")


def _chunk(data: bytes, position: int) -> _Chunk:
    """The chunk at `position`: length, kind, body, checksum over kind and body."""
    if position + 12 > len(data):
        raise truncated()
    length, kind = struct.unpack_from(">I4s", data, position)
    if not kind.isalpha():
        raise corrupt("a chunk has no valid name")
    end = position + 12 + length
    if end > len(data):
        raise truncated()
    view = memoryview(data)
    chunk = _Chunk(kind, view[position + 8 : end - 4], end)
    if chunk.critical and zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
        raise corrupt("a checksum does not fit")
    return chunk


def _image_header(chunk: _Chunk) -> Header:
    if chunk.kind != b"IHDR" or len(chunk.body) != 13:
        raise corrupt("it does not begin with an image header")
    width, height, bits, colour = struct.unpack_from(">IIBB", chunk.body)
    if colour not in _CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise corrupt("its colour type does not exist")
    return Header(
        format="png",
        width=width,
        height=height,
        channels=_CHANNELS[colour],
        bits=max(bits, 8),
        alpha=colour in _WITH_ALPHA,
    )


def _check_pixels(header: Header, pixels: list[memoryview]) -> None:
    """Whether there are pixels, and of a large file whether they inflate to no more than the header says."""
    if not pixels:
        raise corrupt("it holds no pixels")
    if sum(map(len, pixels)) < _LARGE:
        return
    row = header.width * header.channels * header.bits // 8
    left = (row + 16) * (header.height + 16) * 9 // 8  # interlacing adds less than an eighth
    inflater = zlib.decompressobj()
    for body in pixels:
        if inflater.eof:
            return
        rest: bytes | memoryview = body
        while rest:
            left -= len(_inflate(inflater, rest))
            if left < 0:
                raise corrupt("it holds more pixels than it says")
            rest = inflater.unconsumed_tail


def _inflate(inflater: "zlib._Decompress", piece: bytes | memoryview) -> bytes:
    try:
        return inflater.decompress(piece, _PIECE)
    except zlib.error as error:
        raise corrupt("its pixels do not unpack") from error
