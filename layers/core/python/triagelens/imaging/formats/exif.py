"""The orientation out of an EXIF block (a small TIFF file; Exif 2.32, 4.5 and 4.6.4)."""

import struct

_ORIENTATION, _SHORT = 0x0112, 3


def read_orientation(block: bytes) -> int:
    """EXIF orientation 1..8; 1 where the block holds none or is malformed, as viewers do.

    Args:
        block: the TIFF structure, without or with the `Exif\\0\\0` that JPEG puts before it.
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if entry + 12 > len(tiff):
            return 1
        tag, kind, number, value = struct.unpack_from(order + "HHIH", tiff, entry)
        if tag == _ORIENTATION:
            return value if (kind, number) == (_SHORT, 1) and 1 <= value <= 8 else 1
    return 1
