"""From a file to the pixels of the working image: one decode, upright, longest side at most 1024.

A JPEG is decoded at 1/2, 1/4 or 1/8 inside its inverse DCT, which costs a fraction of the full
decode and averages pixels properly. The largest reduction is taken that leaves the longest side at
least `LEAST_REDUCED_SIDE`; what is still longer than `WORKING_SIDE` is averaged down (INTER_AREA).
So 4032 x 3024 becomes 1008 x 756 in one step, and an image is never enlarged.
"""

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from triagelens.imaging.formats.header import Header, corrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_SIDE = 1024
LEAST_REDUCED_SIDE = 960  # 6 % short of WORKING_SIDE, at half the cost of the next larger scale

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_LIBJPEG_FILL = 128  # every channel of the pixels for which there was no data
_STRIP = 256  # rows

# One image per process at a time: more threads only add memory and jitter.
cv2.setNumThreads(1)


def decode(data: bytes, header: Header) -> "NDArray[np.uint8]":
    """The pixels of the working image.

    Args:
        data: a file that `read_header` let pass.
        header: what `read_header` answered.

    Returns:
        (rows, columns, 3), BGR. Transparent pixels lie on white; 16-bit samples lose their low byte;
        colour profiles are not applied.

    Raises:
        UnreadableImageError: `corrupt`: the file looked whole but does not decode to what it says.
    """
    scale = reduction(header)
    flag = cv2.IMREAD_UNCHANGED if header.alpha else _REDUCED[scale]
    pixels = _imdecode(data, flag | cv2.IMREAD_IGNORE_ORIENTATION)
    expected = (-(-header.height // scale), -(-header.width // scale))
    if pixels.shape[:2] != expected:
        raise corrupt("its header and its content differ in size")
    if header.format == "jpeg" and _ends_in_fill(pixels):
        raise corrupt("its lower part is missing")
    if header.alpha:
        pixels = _on_white(pixels)
    return _upright(_fitted(pixels), header.orientation)


def reduction(header: Header) -> int:
    """By how much the decoder itself shrinks the image: 1, 2, 4 or 8."""
    if header.format != "jpeg":
        return 1  # OpenCV decodes other formats whole and then drops pixels, which would alias
    longest = max(header.width, header.height)
    return max((scale for scale in _REDUCED if longest >= scale * LEAST_REDUCED_SIDE), default=1)


def _imdecode(data: bytes, flags: int) -> "NDArray[np.uint8]":
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise corrupt("it does not decode") from error
    if pixels is None:
        raise corrupt("it does not decode")
    return cast("NDArray[np.uint8]", pixels)


def _ends_in_fill(pixels: "NDArray[np.uint8]") -> bool:
    """Whether the last row is nothing but libjpeg's filling while the first is not."""
    return bool((pixels[-1] == _LIBJPEG_FILL).all() and (pixels[0] != _LIBJPEG_FILL).any())


def _on_white(pixels: "NDArray[np.uint8] | NDArray[np.uint16]") -> "NDArray[np.uint8]":
    """An image with or without alpha (grey, BGR or BGRA; 8 or 16 bits) as 8-bit BGR on white."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    pixels = np.asarray(pixels, np.uint8)
    if pixels.ndim == 2:
        return cast("NDArray[np.uint8]", cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == 3:
        return pixels
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _STRIP):  # strips bound the memory of the wider type
        strip = pixels[top : top + _STRIP]
        colour, alpha = strip[:, :, :3].astype(np.uint16), strip[:, :, 3:].astype(np.uint16)
        flat[top : top + _STRIP] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return flat


def _fitted(pixels: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    rows, columns = pixels.shape[:2]
    longest = max(rows, columns)
    if longest <= WORKING_SIDE:
        return pixels
    shrunk = (
        max(1, round(columns * WORKING_SIDE / longest)),
        max(1, round(rows * WORKING_SIDE / longest)),
    )
    return cast("NDArray[np.uint8]", cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA))


def _upright(pixels: "NDArray[np.uint8]", orientation: int) -> "NDArray[np.uint8]":
    """EXIF orientation undone: 5 to 8 swap rows and columns, then rows and columns may be mirrored."""
    if orientation >= 5:
        pixels = cast("NDArray[np.uint8]", cv2.transpose(pixels))
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else cast("NDArray[np.uint8]", cv2.flip(pixels, flip))
