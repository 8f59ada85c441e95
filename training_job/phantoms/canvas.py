"""Drawing in unit coordinates: the same seed gives the same scene at any resolution.

Lengths are in units of the picture's shorter side, with the origin at its centre; x grows to the right,
y downwards. Images are float32 (height, width, 3) in 0..1, masks and fields float32 (height, width).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]
Colour = Sequence[float] | NDArray[np.floating]
Points = NDArray[np.floating]
Path = tuple[Points, float]
"""Points (n, 2) as x, y and a stroke width, both in units."""

_SUBPIXEL_BITS = 4
_BLOB_REACH = 3.0


@dataclass(frozen=True)
class Canvas:
    """A picture's frame and its source of chance.

    Attributes:
        rng: the only source of randomness of the drawing functions.
        height, width: in pixels.
    """

    rng: np.random.Generator
    height: int
    width: int

    @property
    def unit(self) -> int:
        """Pixels of the shorter side."""
        return min(self.height, self.width)

    @cached_property
    def x(self) -> Field:
        """Row vector (1, width)."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.unit)[None, :]

    @cached_property
    def y(self) -> Field:
        """Column vector (height, 1)."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / self.unit)[:, None]

    @property
    def half_width(self) -> float:
        return self.width / self.unit / 2

    @property
    def half_height(self) -> float:
        return self.height / self.unit / 2

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def flat(self, colour: Colour) -> Field:
        """A picture of one colour."""
        return np.broadcast_to(np.asarray(colour, dtype=np.float32), (self.height, self.width, 3)).copy()

    def fractal(self, cell: float, octaves: int = 4, gain: float = 0.5) -> Field:
        """Band-limited noise of mean 0 and standard deviation 1; `cell` is the coarsest feature."""
        total = np.zeros((self.height, self.width), dtype=np.float32)
        for octave in range(octaves):
            step = cell / 2**octave
            rows = int(np.ceil(2 * self.half_height / step)) + 2
            columns = int(np.ceil(2 * self.half_width / step)) + 2
            grid = self.rng.standard_normal((rows, columns), dtype=np.float32)
            total += gain**octave * cv2.resize(grid, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        return np.asarray((total - total.mean()) / (total.std() + np.float32(1e-6)))

    def cells(self, spacing: float, jitter: float = 0.35) -> Field:
        """Distance to the nearest point of a jittered honeycomb: 0 in a cell, about 1 at its wall."""
        rows = np.arange(-self.half_height - spacing, self.half_height + spacing, spacing * 0.87)
        columns = np.arange(-self.half_width - spacing, self.half_width + spacing, spacing)
        grid_x, grid_y = np.meshgrid(columns, rows)
        grid_x[1::2] += spacing / 2
        points = np.stack([grid_x, grid_y], axis=-1).reshape(-1, 2)
        points = points + self.rng.uniform(-jitter, jitter, points.shape) * spacing
        pixels = np.floor(self.to_pixels(points)).astype(int)
        inside = (pixels >= 0).all(axis=1) & (pixels < (self.width, self.height)).all(axis=1)
        sites = np.full((self.height, self.width), 255, dtype=np.uint8)
        sites[pixels[inside, 1], pixels[inside, 0]] = 0
        distance = cv2.distanceTransform(sites, cv2.DIST_L2, cv2.DIST_MASK_5)
        return np.asarray(distance / np.float32(0.6 * spacing * self.unit), dtype=np.float32)

    def to_pixels(self, points: Points) -> NDArray[np.float64]:
        """Points (n, 2) in units as pixel positions."""
        return np.asarray(points, dtype=np.float64) * self.unit + (self.width / 2, self.height / 2)

    def blob(
        self,
        centre: tuple[float, float],
        radius: float,
        aspect: float = 1.0,
        angle: float = 0.0,
        wobble: float = 0.0,
        harmonics: Iterable[int] = range(2, 7),
    ) -> Field:
        """How deep each pixel lies inside a closed shape: 1 at its centre, 0 on its border, then negative.

        Farther out than three radii it stays at -2. `wobble` is the border's relative deviation from an
        ellipse, spread over `harmonics`.
        """
        rows, columns = self._window(centre, _BLOB_REACH * radius * max(aspect, 1 / aspect))
        dx, dy = self.x[:, columns] - centre[0], self.y[rows] - centre[1]
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along, across = (dx * cosine + dy * sine) / aspect, (dy * cosine - dx * sine) * aspect
        reach = np.full(along.shape, radius, dtype=np.float32)
        if wobble:
            theta = np.arctan2(across, along)
            for k in harmonics:
                amplitude = radius * wobble * self.rng.normal() / np.sqrt(k)
                reach += np.float32(amplitude) * np.cos(k * theta + np.float32(self.uniform(0, 2 * np.pi)))
        depth = np.full((self.height, self.width), 1 - _BLOB_REACH, dtype=np.float32)
        depth[rows, columns] = 1 - np.hypot(along, across) / np.maximum(reach, 0.15 * radius)
        return depth

    def _window(self, centre: tuple[float, float], reach: float) -> tuple[slice, slice]:
        """The rows and columns within `reach` of a point."""
        x, y = self.to_pixels(np.asarray([centre]))[0]
        pixels = reach * self.unit
        rows = slice(max(0, int(y - pixels)), max(0, int(y + pixels) + 1))
        return rows, slice(max(0, int(x - pixels)), max(0, int(x + pixels) + 1))

    def strokes(self, paths: Iterable[Path]) -> Field:
        """Anti-aliased lines; a line thinner than a pixel is drawn fainter."""
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        for points, width in paths:
            pixels = width * self.unit
            ends = np.round((self.to_pixels(points) - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
            cv2.polylines(
                mask,
                [ends],
                isClosed=False,
                color=int(255 * min(1.0, pixels)),
                thickness=max(1, round(pixels)),
                lineType=cv2.LINE_AA,
                shift=_SUBPIXEL_BITS,
            )
        return mask.astype(np.float32) / 255

    def dots(self, points: Points, radii: Sequence[float] | Points) -> Field:
        """Filled, anti-aliased circles."""
        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        scale = 2**_SUBPIXEL_BITS
        centres = np.round((self.to_pixels(points) - 0.5) * scale).astype(int)
        for (x, y), radius in zip(centres.tolist(), radii, strict=True):
            reach = max(1, round(float(radius) * self.unit * scale))
            cv2.circle(mask, (x, y), reach, 255, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        return mask.astype(np.float32) / 255

    def soften(self, field: Field, sigma: float) -> Field:
        """Gaussian blur; `sigma` in units."""
        pixels = sigma * self.unit
        if pixels < 0.3:
            return field
        return np.asarray(cv2.GaussianBlur(field, (0, 0), pixels), dtype=np.float32)


def ramp(field: Field, low: float, high: float) -> Field:
    """Smooth step from 0 where `field` <= low to 1 where `field` >= high."""
    t = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def paint(image: Field, colour: Colour, alpha: Field) -> None:
    """Lay a colour over the image where `alpha` (0..1) says so, in place."""
    x, y, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if not width:
        return
    box = np.s_[y : y + height, x : x + width]
    cover = np.ascontiguousarray(alpha[box], dtype=np.float32)
    keep = 1 - cover
    # Merged planes, because NumPy is slow at broadcasting over a last axis of three.
    image[box] *= cv2.merge([keep, keep, keep])
    image[box] += cv2.merge([cover * np.float32(level) for level in colour])


def shade(image: Field, factor: Field) -> None:
    """Multiply the image's brightness, in place."""
    image *= cv2.merge([np.asarray(factor, dtype=np.float32)] * 3)


def tint(image: Field, field: Field, amounts: Colour) -> None:
    """Vary each channel by its own share of a field: channel *= 1 + amount * field, in place."""
    image *= cv2.merge([1 + field * np.float32(amount) for amount in amounts])


def curve(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    bend: float,
    steps: int = 24,
) -> Points:
    """A wandering line from `start`: points (steps, 2). `bend` is the total spread of direction, radians."""
    turns = np.cumsum(rng.normal(0, bend / np.sqrt(steps), steps)) + angle
    moves = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (length / steps)
    return np.asarray(np.cumsum(moves, axis=0) + start, dtype=np.float32)


def tree(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length: float,
    width: float,
    depth: int,
) -> list[Path]:
    """A branching vessel: each generation shorter and thinner than the last."""
    points = curve(rng, start, angle, length, bend=0.6)
    paths: list[Path] = [(points, width)]
    if depth > 0:
        for side in (-1, 1):
            fork = points[int(rng.integers(len(points) // 3, len(points)))]
            turn = angle + side * rng.uniform(0.3, 1.0)
            paths += tree(
                rng,
                (float(fork[0]), float(fork[1])),
                turn,
                length * rng.uniform(0.5, 0.8),
                width * 0.7,
                depth - 1,
            )
    return paths
