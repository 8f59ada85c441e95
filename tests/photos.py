"""Photos for tests: sharp or blurred, with sensor noise."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def photo(width: int = 640, height: int = 480, seed: int = 1, blur: float = 0.0) -> bytes:
    """A JPEG of 600 hard-edged shapes with sensor noise; `blur` is a Gaussian's sigma in pixels."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), (140, 120, 110))
    draw = ImageDraw.Draw(picture)
    for _ in range(600):
        x, y = random.uniform(0, width), random.uniform(0, height)
        w, h = random.uniform(width / 80, width / 12, size=2)
        colour = tuple(int(level) for level in random.uniform(40, 215, size=3))
        draw.ellipse((x, y, x + w, y + h), fill=colour)
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(picture) + random.normal(0, 2, size=(height, width, 3))
    stream = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=92)
    return stream.getvalue()
