"""Pictures that no model of ours was made for: noise, and pages of text."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_TEXT = (
    "the report was read again by another clinician who found no sign of what had been feared and wrote so "
    "in few words before the next patient came"
)
_WORDS = _TEXT.split()
_WIDTH, _HEIGHT = 768, 1024


def noise(seed: int) -> Image.Image:
    """A JPEG of even, of grey, or of bell-shaped noise, by turns."""
    random = np.random.default_rng(seed)
    size = (480, 640)
    drawn = (
        random.integers(0, 256, (*size, 3)).astype(np.float64),
        np.repeat(random.integers(0, 256, (*size, 1)), 3, axis=2).astype(np.float64),
        random.normal(128, 40, (*size, 3)),
    )[seed % 3]
    return _through_jpeg(Image.fromarray(drawn.clip(0, 255).astype(np.uint8)))


def page(seed: int) -> Image.Image:
    """A JPEG of a page of printed text: paper, margins and size of the letters vary."""
    random = np.random.default_rng(seed)
    paper = tuple(int(level) for level in random.integers(235, 256, 3))
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), paper)
    draw, size = ImageDraw.Draw(picture), int(random.integers(16, 30))
    font = ImageFont.load_default(size)
    left, top = int(random.integers(30, 90)), int(random.integers(30, 80))
    for y in range(top, _HEIGHT - 2 * size, round(1.4 * size)):
        line = ""
        while draw.textlength(line, font=font) < _WIDTH - 2 * left - 60:
            line += f"{random.choice(_WORDS)} "
        if random.random() < 0.9:  # paragraphs end
            draw.text((left, y), line, fill=(25, 25, 30), font=font)
    return _through_jpeg(picture)


def _through_jpeg(picture: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return Image.open(stream)
