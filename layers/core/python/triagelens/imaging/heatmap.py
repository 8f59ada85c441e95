"""Pictures of a model's evidence: a heatmap, and the same laid over the working image.

Pillow and numpy only, like all that comes after the working image.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from triagelens.imaging.preprocess import seen_region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from triagelens.domain.manifest import InputSpec

# Blue over grey to yellow, lightness rising evenly: the order survives every form of colour blindness
# and a black-and-white print.
_RAMP = np.array([(0, 32, 81), (60, 77, 110), (127, 124, 117), (190, 176, 96), (253, 233, 69)], np.float64)
_OPACITY = 0.6  # of the strongest evidence; none of it stays clear
_HALF = 0.5  # a line goes around what has more: colours alone are hard to see on skin
_BACKGROUND = 190  # grey under the legend's bar
_FONT_SHARE, _FONT_LEAST, _FONT_MOST = 1 / 36, 8, 30  # of the width, and pixels: legible where it is printed
_MOST_LINES = 8  # of a title: more than the longest known one takes below the narrowest image
_JPEG_QUALITY = 88
_IN_NO_FONT = "\U0010ffff"
CENTRE = 0.5  # the central region has half the width and half the height of what the model saw


def evidence_map(
    grid: "Sequence[Sequence[float]]", spec: "InputSpec", size: tuple[int, int]
) -> "NDArray[np.float32]":
    """A coarse grid as an evidence map of the working image.

    Args:
        grid: rows of activations, 0 or more, over what the model saw.
        spec: how the model looks at an image: what it crops away has no evidence.
        size: (width, height) of the working image in pixels.

    Returns:
        (height, width), 0 to 1; 1 is the strongest evidence. All 0 where the grid is.
    """
    width, height = size
    values = np.asarray(grid, np.float32)
    strongest = float(values.max())
    whole = np.zeros((height, width), np.float32)
    if strongest <= 0:
        return whole
    left, top, right, bottom = seen_region(spec, size)
    cells = Image.fromarray(values / strongest)
    smooth = np.asarray(cells.resize((right - left, bottom - top), Image.Resampling.BICUBIC))
    whole[top:bottom, left:right] = np.clip(smooth, 0.0, 1.0)
    return whole


def central_share(evidence: "NDArray[np.float32]", spec: "InputSpec") -> float | None:
    """How much of the evidence lies in the central region, 0 to 1; None where there is none at all.

    The region has half of each side of what the model saw, a quarter of its area: evidence spread evenly
    gives 0.25, whatever was cropped away. A pixel on its rim counts by how much of it lies inside.

    Args:
        evidence: of the whole working image, as `evidence_map` gives it.
        spec: how the model looks at an image.
    """
    total = float(evidence.sum(dtype=np.float64))
    if total <= 0:
        return None
    height, width = evidence.shape
    left, top, right, bottom = seen_region(spec, (width, height))
    rows, columns = _inside(top, bottom, height), _inside(left, right, width)
    return float(np.einsum("y,yx,x->", rows, evidence, columns)) / total


def _inside(first: int, end: int, length: int) -> "NDArray[np.float64]":
    """How much of each of `length` pixels lies in the middle of first..end, 0 to 1."""
    margin = (end - first) * (1 - CENTRE) / 2
    begins = np.arange(length, dtype=np.float64)
    covered = np.minimum(begins + 1, end - margin) - np.maximum(begins, first + margin)
    return np.asarray(np.clip(covered, 0.0, 1.0))


def heatmap_png(evidence: "NDArray[np.float32]") -> bytes:
    """The evidence alone, in colour, as large as the working image."""
    return _encoded(Image.fromarray(_coloured(evidence)), "PNG")


def overlay_jpeg(image: Image.Image, evidence: "NDArray[np.float32]", title: str) -> bytes:
    """The working image under its evidence, with a legend below.

    Args:
        image: the working image, RGB; its size is that of `evidence`.
        title: what the legend says, the most important first; see `can_be_drawn`.
    """
    width, height = image.size
    legend = _legend(width, title)
    whole = Image.new("RGB", (width, height + legend.height), "white")
    whole.paste(_under(image.convert("RGB"), evidence), (0, 0))
    whole.paste(legend, (0, height))
    return _encoded(whole, "JPEG", quality=_JPEG_QUALITY)


def _under(image: Image.Image, evidence: "NDArray[np.float32]") -> Image.Image:
    """The image under its evidence, with a line (white, edged in black) around what has half or more."""
    opacity = (_OPACITY * evidence)[:, :, np.newaxis]
    blended = np.asarray(image, np.float32) * (1 - opacity) + _coloured(evidence) * opacity
    shown = Image.fromarray(np.rint(blended).astype(np.uint8))
    strong = Image.fromarray(np.where(evidence >= _HALF, 255, 0).astype(np.uint8))
    for colour, reach in (("black", 5), ("white", 3)):
        around = strong.filter(ImageFilter.MaxFilter(reach))
        within = strong.filter(ImageFilter.MinFilter(reach))
        shown.paste(colour, (0, 0), ImageChops.difference(around, within))
    return shown


def _coloured(evidence: "NDArray[np.float32]") -> "NDArray[np.uint8]":
    steps = np.linspace(0.0, 1.0, len(_RAMP))
    table = np.stack([np.interp(np.linspace(0, 1, 256), steps, channel) for channel in _RAMP.T], axis=1)
    levels = np.rint(evidence * 255).astype(np.uint8)
    colours: NDArray[np.uint8] = np.rint(table).astype(np.uint8)[levels]
    return colours


def _legend(width: int, title: str) -> Image.Image:
    """A bar that shows what an image looks like under no, half and the strongest evidence, and a title."""
    font = _font(min(max(round(width * _FONT_SHARE), _FONT_LEAST), _FONT_MOST))
    line = round(font.size * 1.5)
    rim = line // 3
    titled = _lines(title, font, width - 2 * rim)
    bar = np.tile(np.linspace(0, 1, width, dtype=np.float32), (line // 2 + 4, 1))
    below = bar.shape[0] + line // 4
    legend = Image.new("RGB", (width, below + (1 + len(titled)) * line), "white")
    legend.paste(_under(Image.new("RGB", bar.shape[::-1], (_BACKGROUND,) * 3), bar), (0, 0))
    draw = ImageDraw.Draw(legend)
    draw.text((rim, below), "none", "black", font, anchor="la")
    draw.text((width - rim, below), "strongest", "black", font, anchor="ra")
    if width / 2 > rim + font.getlength("strongest") + font.getlength("half"):
        draw.text((width // 2, below), "half", "black", font, anchor="ma")
    for number, part in enumerate(titled, start=1):
        draw.text((width // 2, below + number * line), part, "black", font, anchor="ma")
    return legend


def _lines(title: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    """The title in lines of at most `room` pixels; what would take too many lines ends in dots."""
    lines: list[str] = []
    for word in title.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > room:
                lines.append("")
            lines[-1] += letter
    if len(lines) <= _MOST_LINES:
        return lines
    last = lines[_MOST_LINES - 1]
    while last and font.getlength(f"{last}…") > room:
        last = last[:-1]
    return [*lines[: _MOST_LINES - 1], f"{last}…"]


def can_be_drawn(text: str) -> bool:
    """Whether the font of legends has every letter of a text."""
    font = _font(_FONT_LEAST)
    missing = bytes(font.getmask(_IN_NO_FONT))
    return text.isprintable() and all(bytes(font.getmask(letter)) != missing for letter in set(text))


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow is built without FreeType")
    return font


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
