"""A perceptual hash: pictures that look the same differ in few of its bits, others in about half.

The grey image is averaged to 64 x 64 and cosine-transformed; each bit says whether one of the 16 x 16 lowest
frequencies is above their median. Size, compression and brightness hardly change it; a crop, a turn or a
mirror image does. The figures: docs/adr/0087.
"""

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 64  # pixels
_FREQUENCIES = 16  # a side: 256 bits in all


def fingerprint(working_image: bytes) -> int:
    """The 256 bits of a working image's JPEG, the lowest frequencies first."""
    grey = cv2.imdecode(np.frombuffer(working_image, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError("the working image does not decode")
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    lowest = cast("NDArray[np.float32]", cv2.dct(small))[:_FREQUENCIES, :_FREQUENCIES].ravel()
    # The mean brightness, which comes first, dwarfs the others and has no part in the median.
    above = lowest > np.median(lowest[1:])
    return int.from_bytes(np.packbits(above).tobytes(), "big")
