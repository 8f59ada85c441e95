"""From a working image to a model's input tensor, driven only by the manifest's `InputSpec`.

Pillow and numpy only: serving and training run this same code, and OpenCV is not in the function
that predicts. The conventions are those of torchvision on 8-bit images, so that a model exported
with the usual `Resize, CenterCrop, ToTensor, Normalize` needs no change:

- `shortest_side`: the short side becomes `resize_to`, the long one `int(resize_to * long / short)`;
- centre crop: offset `round((side - crop) / 2)`, half to even;
- sample positions are pixel centres: output pixel i looks at `(i + 0.5) * in / out - 0.5`;
- resizing yields 8-bit levels again (rounded), whatever the interpolation.

`antialias: true` widens the filter when shrinking (Pillow's `resize`). `antialias: false` samples
points, as OpenCV's `resize` and PyTorch's `interpolate` do: two taps for bilinear, four for bicubic
with Keys' a = -0.75. `nearest` is the same either way; `lanczos` exists only antialiased.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from triagelens.domain.manifest import InputSpec

    Taps = Callable[[NDArray[np.float64]], list[tuple[int, NDArray[np.float64]]]]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_KEYS_A = -0.75


def preprocess(image: Image.Image, spec: "InputSpec") -> "NDArray[Any]":
    """The tensor that `spec` asks for.

    Args:
        image: a working image of any mode; it is read as RGB.

    Returns:
        A C-contiguous array of `spec.dtype`, (1, 3, height, width) or (1, height, width, 3).
    """
    pixels = _pixels(image if image.mode == "RGB" else image.convert("RGB"), spec)
    if spec.channel_order == "BGR":
        pixels = pixels[:, :, ::-1]
    if spec.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    if spec.dtype == "uint8":
        return np.ascontiguousarray(pixels[np.newaxis])
    return _normalised(pixels, spec)[np.newaxis].astype(spec.dtype, copy=False)


def _normalised(pixels: "NDArray[np.uint8]", spec: "InputSpec") -> "NDArray[np.float32]":
    """`(pixel * scale - mean) / std` as one multiplication and one addition in float32."""
    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    along_channels = (3, 1, 1) if spec.layout == "NCHW" else (3,)
    gain = (spec.scale / std).astype(np.float32).reshape(along_channels)
    offset = (-mean / std).astype(np.float32).reshape(along_channels)
    tensor = np.empty(pixels.shape, np.float32)
    np.multiply(pixels, gain, out=tensor)
    tensor += offset
    return tensor


def _pixels(image: Image.Image, spec: "InputSpec") -> "NDArray[np.uint8]":
    """Resized and cropped: (height, width, 3) RGB."""
    if spec.resize == "stretch":
        return _resized(image, (spec.width, spec.height), spec)
    resized = _resized(image, shortest_side_size(image.size, _resize_to(spec)), spec)
    top = round((resized.shape[0] - spec.height) / 2)
    left = round((resized.shape[1] - spec.width) / 2)
    return resized[top : top + spec.height, left : left + spec.width]


def seen_region(spec: "InputSpec", size: tuple[int, int]) -> tuple[int, int, int, int]:
    """What of an image of `size` (width, height) the model sees: (left, top, right, bottom) in its pixels."""
    width, height = size
    if spec.resize == "stretch":
        return 0, 0, width, height
    resized_width, resized_height = shortest_side_size(size, _resize_to(spec))
    seen_width = min(width, round(spec.width * width / resized_width))
    seen_height = min(height, round(spec.height * height / resized_height))
    left, top = (width - seen_width) // 2, (height - seen_height) // 2
    return left, top, left + seen_width, top + seen_height


def _resize_to(spec: "InputSpec") -> int:
    return spec.resize_to or max(spec.height, spec.width)


def shortest_side_size(size: tuple[int, int], shortest: int) -> tuple[int, int]:
    """(width, height) after scaling the shortest side of `size` to `shortest`, as torchvision rounds it."""
    width, height = size
    if width <= height:
        return shortest, int(shortest * height / width)
    return int(shortest * width / height), shortest


def _resized(image: Image.Image, size: tuple[int, int], spec: "InputSpec") -> "NDArray[np.uint8]":
    if image.size == size:
        return np.asarray(image)
    if spec.antialias or spec.interpolation == "nearest":
        return np.asarray(image.resize(size, _FILTERS[spec.interpolation]))
    taps = {"bilinear": _linear_taps, "bicubic": _cubic_taps}[spec.interpolation]
    return _point_sampled(np.asarray(image), size, taps)


def _point_sampled(pixels: "NDArray[np.uint8]", size: tuple[int, int], taps: "Taps") -> "NDArray[np.uint8]":
    """`pixels` read at size[0] x size[1] points; beyond the edge the edge pixel repeats."""
    rows, row_weights = _neighbours(pixels.shape[0], size[1], taps)
    columns, column_weights = _neighbours(pixels.shape[1], size[0], taps)
    # The pixels that are read at all, in 8 bits: (taps, rows, taps * columns, 3).
    seen = pixels.take(rows.ravel(), axis=0).take(columns.ravel(), axis=1)
    lines = _weighted_sum(seen.reshape(*rows.shape, -1, 3), row_weights[:, :, np.newaxis, np.newaxis])
    points = lines.reshape(size[1], *columns.shape, 3).swapaxes(0, 1)
    levels = _weighted_sum(points, column_weights[:, np.newaxis, :, np.newaxis])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _neighbours(extent: int, length: int, taps: "Taps") -> "tuple[NDArray[np.intp], NDArray[np.float32]]":
    """For `length` sample points over `extent` pixels: indices and weights, both (taps, length)."""
    position = (np.arange(length) + 0.5) * (extent / length) - 0.5
    first = np.floor(position).astype(np.intp)
    steps, weights = zip(*taps(position - first), strict=True)
    indices = np.stack([np.clip(first + step, 0, extent - 1) for step in steps])
    return indices, np.stack(weights).astype(np.float32)


def _weighted_sum(parts: "NDArray[Any]", weights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The sum over the first axis of `parts * weights`, in float32."""
    total = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total += part * weight
    return np.asarray(total, np.float32)


def _linear_taps(fraction: "NDArray[np.float64]") -> list[tuple[int, "NDArray[np.float64]"]]:
    return [(0, 1 - fraction), (1, fraction)]


def _cubic_taps(fraction: "NDArray[np.float64]") -> list[tuple[int, "NDArray[np.float64]"]]:
    """Weights of the four neighbours (Keys, 1981)."""

    def near(x: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return (_KEYS_A + 2) * x**3 - (_KEYS_A + 3) * x**2 + 1

    def far(x: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return _KEYS_A * (x**3 - 5 * x**2 + 8 * x - 4)

    return [(-1, far(1 + fraction)), (0, near(fraction)), (1, near(1 - fraction)), (2, far(2 - fraction))]
