"""Photos for tests: sharp, blurred, and everything that is not a photo."""

import io

import numpy as np
from PIL import Image, ImageFilter


def photo(width: int = 640, height: int = 480, seed: int = 1, blur: float = 0.0) -> bytes:
    """A JPEG with detail at every scale and sensor noise; `blur` is a Gaussian's sigma in pixels."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3))
    for cells in (4, 16, 64, 160):
        coarse = random.uniform(60, 200, size=(cells, cells, 3)).astype(np.uint8)
        pixels += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    picture = Image.fromarray((pixels / 4).astype(np.uint8))
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(picture) + random.normal(0, 2, size=(height, width, 3))
    stream = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=92)
    return stream.getvalue()
