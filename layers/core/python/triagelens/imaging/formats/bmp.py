"""BMP with an uncompressed picture (BITMAPINFOHEADER and its successors)."""

import struct

from triagelens.imaging.formats.header import Header, corrupt, truncated, unsupported

_PLAIN, _BITFIELDS = 0, 3
_INFO_HEADERS = (40, 52, 56, 108, 124)


def read_bmp(data: bytes) -> Header:
    """The header of a BMP whose rows are all there. Its declared file size is ignored: writers err.

    Raises:
        UnreadableImageError: `truncated`, `corrupt` or `unsupported_format` (compressed, OS/2).
    """
    if len(data) < 34:
        raise truncated()
    (offset, info, width, height, planes, bits, compression) = struct.unpack_from("<IIiiHHI", data, 10)
    if info not in _INFO_HEADERS:
        raise unsupported("A BMP of this kind")
    if compression not in (_PLAIN, _BITFIELDS):
        raise unsupported("A compressed BMP")
    if planes != 1 or bits not in (1, 4, 8, 16, 24, 32) or width <= 0 or offset < 14 + info:
        raise corrupt("its header contradicts itself")
    row = (width * bits + 31) // 32 * 4
    if offset + row * abs(height) > len(data):
        raise truncated()
    return Header(format="bmp", width=width, height=abs(height))
