"""Small sound images of every format, made with Pillow: not the library under test."""

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from triagelens.domain.quality import ImageLimits

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def limits() -> ImageLimits:
    return ImageLimits()


@pytest.fixture(scope="session")
def scene() -> Image.Image:
    """320 x 240, sharp, well exposed, without any symmetry."""
    rng = np.random.default_rng(3)
    blocks = rng.integers(40, 216, (12, 16, 3), dtype=np.uint8)
    pixels = cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST)
    return Image.fromarray(np.asarray(pixels, np.uint8))


@pytest.fixture(scope="session")
def encode() -> Encode:
    """A file of the image, in Pillow's format name, with Pillow's options."""

    def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return _encode
