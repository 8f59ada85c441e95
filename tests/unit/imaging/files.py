"""Files built by hand, chunk by chunk: sound, odd and hostile ones."""

import struct
import zlib

import pytest

from triagelens.domain.errors import UnreadableImageError
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.header import read_header


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes) -> bytes:
    """A sound-looking PNG of any size with next to no pixels in it."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + png_chunk(b"IEND", b"")


def webp(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


VP8 = webp_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 100, 90) + b"\0" * 8)
VP8L = webp_chunk(b"VP8L", b"\x2f" + (99 | 89 << 14).to_bytes(4, "little") + b"\0" * 8)


def canvas(width: int, height: int) -> bytes:
    return webp_chunk(
        b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )


def jpeg_frame(kind: int = 0xC0, bits: int = 8, channels: int = 3) -> bytes:
    body = struct.pack(">BHHB", bits, 90, 100, channels) + b"\1\x11\0" * channels
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body


def refusal(data: bytes, limits: ImageLimits) -> UnreadableImageError:
    with pytest.raises(UnreadableImageError) as caught:
        read_header(data, limits)
    return caught.value
