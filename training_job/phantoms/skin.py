"""Skin lesions as a dermatoscope or a phone close to the skin shows them.

What tells the classes apart follows the dermoscopic criteria in common use: pigment network and symmetry of
a naevus; asymmetry, ragged border, several colours and veil of a melanoma; milia-like cysts and comedo-like
openings of a benign keratosis; arborising vessels and leaf-like areas of a basal cell carcinoma; the
strawberry pattern and scale of an actinic keratosis; the white centre and delicate network of a
dermatofibroma; the lagoons of a vascular lesion.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from training_job.phantoms.canvas import Canvas, Colour, Field, Path, curve, paint, ramp, shade, tint, tree

_TONES: tuple[Colour, ...] = (
    (0.90, 0.73, 0.65),
    (0.86, 0.67, 0.57),
    (0.80, 0.60, 0.48),
    (0.70, 0.50, 0.38),
    (0.58, 0.40, 0.30),
)


class Site:
    """Where a lesion sits: centre, radius and scattered points inside, in units."""

    def __init__(self, canvas: Canvas) -> None:
        self.centre = (canvas.uniform(-0.12, 0.12), canvas.uniform(-0.12, 0.12))
        self.radius = canvas.uniform(0.2, 0.31)
        self.angle = canvas.uniform(0, np.pi)

    def scatter(
        self, canvas: Canvas, count: int, inner: float = 0.0, outer: float = 1.0
    ) -> NDArray[np.float64]:
        """Points (count, 2) between two relative radii."""
        theta = canvas.rng.uniform(0, 2 * np.pi, count)
        reach = self.radius * np.sqrt(canvas.rng.uniform(inner**2, outer**2, count))
        return np.stack([np.cos(theta), np.sin(theta)], axis=1) * reach[:, None] + self.centre


def tone(canvas: Canvas) -> Colour:
    """A skin colour, from fair to brown."""
    position = canvas.uniform(0, len(_TONES) - 1)
    index = min(int(position), len(_TONES) - 2)
    low, high = np.asarray(_TONES[index]), np.asarray(_TONES[index + 1])
    return [float(value) for value in low + (position - index) * (high - low)]


def skin(canvas: Canvas, colour: Colour) -> Field:
    """Healthy skin: mottling, furrows, pores."""
    image = canvas.flat(colour)
    mottle = canvas.fractal(0.35, octaves=5)
    tint(image, mottle, (0.018, 0.035, 0.04))
    furrows = ramp(canvas.cells(canvas.uniform(0.025, 0.04)) + 0.18 * canvas.fractal(0.05, 3), 0.75, 1.2)
    shade(image, 1 - 0.09 * furrows)
    shade(image, 1 + 0.03 * canvas.fractal(0.012, octaves=3, gain=0.8))
    return image


def hairs(canvas: Canvas, image: Field) -> None:
    """None to a dozen hairs, dark or fair, each with a thin shadow."""
    count = int(canvas.rng.integers(0, 13)) if canvas.chance(0.65) else 0
    if not count:
        return
    main = canvas.uniform(0, 2 * np.pi)
    paths: list[Path] = []
    for _ in range(count):
        start = (canvas.uniform(-0.6, 0.6), canvas.uniform(-0.6, 0.6))
        line = curve(canvas.rng, start, main + canvas.rng.normal(0, 0.5), canvas.uniform(0.2, 0.8), 0.35)
        paths.append((line, canvas.uniform(0.002, 0.0045)))
    shadow = [(points + np.float32(0.004), width * 1.6) for points, width in paths]
    shade(image, 1 - 0.15 * canvas.soften(canvas.strokes(shadow), 0.003))
    brightness = canvas.uniform(0.08, 0.35)
    paint(image, (brightness, brightness * 0.8, brightness * 0.65), 0.9 * canvas.strokes(paths))


def _naevus(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius, canvas.uniform(1.0, 1.18), site.angle, wobble=0.025)
    body = ramp(depth, -0.03, canvas.uniform(0.12, 0.3))
    paint(image, (0.50, 0.31, 0.20), 0.8 * body)
    paint(image, (0.36, 0.20, 0.13), 0.7 * ramp(depth, 0.2, 0.95))
    network = ramp(canvas.cells(canvas.uniform(0.026, 0.036), jitter=0.28), 0.5, 1.05)
    strength = 0.55 + 0.15 * canvas.fractal(0.12, 3)
    paint(image, (0.25, 0.13, 0.08), np.clip(strength, 0, 1) * network * body)


def _melanoma(canvas: Canvas, image: Field, site: Site) -> None:
    aspect = canvas.uniform(1.05, 1.35)
    depth = canvas.blob(site.centre, site.radius, aspect, site.angle, wobble=0.15, harmonics=range(2, 10))
    depth += 0.07 * canvas.fractal(0.1, 4)
    body = ramp(depth, 0.0, 0.12)
    paint(image, (0.40, 0.25, 0.18), 0.9 * body)
    network = ramp(canvas.cells(canvas.uniform(0.03, 0.045), jitter=0.5), 0.6, 1.1)
    paint(image, (0.20, 0.12, 0.09), 0.6 * network * body * ramp(canvas.fractal(0.2, 2), 0.0, 1.0))
    patches: tuple[tuple[Colour, float, float], ...] = (
        ((0.11, 0.07, 0.07), 0.0, 0.95),
        ((0.62, 0.36, 0.33), 0.7, 0.7),
        ((0.40, 0.44, 0.52), 0.5, 0.75),
        ((0.82, 0.72, 0.69), 0.9, 0.75),
    )
    for colour, threshold, strength in patches:
        cloud = canvas.fractal(0.25, 5, gain=0.6)
        paint(image, colour, strength * body * ramp(cloud, threshold, threshold + 0.9))
    globules = site.scatter(canvas, int(canvas.rng.integers(12, 40)))
    spots = canvas.dots(globules, canvas.rng.uniform(0.003, 0.011, len(globules)))
    paint(image, (0.10, 0.07, 0.07), 0.8 * canvas.soften(spots, 0.0015) * ramp(depth, -0.1, 0.05))
    _streaks(canvas, image, site)


def _streaks(canvas: Canvas, image: Field, site: Site) -> None:
    """Radial streaming along one side of a melanoma."""
    side = canvas.uniform(0, 2 * np.pi)
    paths: list[Path] = []
    for _ in range(int(canvas.rng.integers(6, 16))):
        theta = side + canvas.rng.normal(0, 0.6)
        reach = site.radius * canvas.uniform(0.75, 0.95)
        start = (
            site.centre[0] + reach * float(np.cos(theta)),
            site.centre[1] + reach * float(np.sin(theta)),
        )
        length = site.radius * canvas.uniform(0.12, 0.35)
        paths.append((curve(canvas.rng, start, theta, length, 0.3), canvas.uniform(0.004, 0.008)))
    paint(image, (0.20, 0.12, 0.10), 0.75 * canvas.soften(canvas.strokes(paths), 0.0015))


def _keratosis(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius, canvas.uniform(1.0, 1.3), site.angle, wobble=0.05)
    depth += 0.025 * canvas.fractal(0.05, 2)
    body = ramp(depth, 0.0, 0.035)
    shade(image, 1 - 0.25 * ramp(depth, -0.09, 0.0) * (1 - body))
    paint(image, (0.58, 0.42, 0.29), 0.85 * body)
    ridges = np.abs(canvas.fractal(0.06, 2))
    paint(image, (0.30, 0.19, 0.12), 0.6 * body * ramp(-ridges, -0.22, 0.0))
    paint(image, (0.74, 0.57, 0.40), 0.4 * body * ramp(ridges, 0.8, 1.6))
    comedones = site.scatter(canvas, int(canvas.rng.integers(10, 24)), outer=0.88)
    plugs = canvas.dots(comedones, canvas.rng.uniform(0.008, 0.016, len(comedones)))
    paint(image, (0.17, 0.10, 0.07), 0.85 * canvas.soften(plugs, 0.0015))
    cysts = site.scatter(canvas, int(canvas.rng.integers(10, 24)), outer=0.9)
    pearls = canvas.dots(cysts, canvas.rng.uniform(0.006, 0.013, len(cysts)))
    paint(image, (0.93, 0.88, 0.76), 0.8 * canvas.soften(pearls, 0.0025))


def _basal_cell(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius, canvas.uniform(1.0, 1.25), site.angle, wobble=0.08)
    body = ramp(depth, -0.05, 0.25)
    paint(image, (0.88, 0.66, 0.64), 0.65 * body)
    rim = ramp(depth, -0.02, 0.1) * (1 - ramp(depth, 0.15, 0.3))
    paint(image, (0.95, 0.84, 0.82), 0.45 * rim)
    pearl = ramp(canvas.fractal(0.09, 3), 1.3, 2.2)
    paint(image, (0.98, 0.93, 0.92), 0.7 * pearl * body)
    for _ in range(int(canvas.rng.integers(3, 7))):
        x, y = site.scatter(canvas, 1, inner=0.6, outer=0.95)[0]
        heading = float(np.arctan2(y - site.centre[1], x - site.centre[0]))
        leaf = canvas.blob(
            (float(x), float(y)), canvas.uniform(0.025, 0.045), 1.35, heading, 0.2, harmonics=range(3, 7)
        )
        paint(image, (0.38, 0.36, 0.41), 0.8 * ramp(leaf, 0.0, 0.4))
    if canvas.chance(0.5):
        x, y = site.scatter(canvas, 1, outer=0.5)[0]
        ulcer = canvas.blob((float(x), float(y)), canvas.uniform(0.03, 0.06), wobble=0.2)
        paint(image, (0.45, 0.12, 0.10), 0.85 * ramp(ulcer, 0.0, 0.3))
    vessels: list[Path] = []
    for _ in range(int(canvas.rng.integers(3, 6))):
        theta = canvas.uniform(0, 2 * np.pi)
        start = (
            site.centre[0] + site.radius * float(np.cos(theta)),
            site.centre[1] + site.radius * float(np.sin(theta)),
        )
        inward = theta + np.pi + canvas.rng.normal(0, 0.35)
        vessels += tree(canvas.rng, start, inward, site.radius * canvas.uniform(0.6, 1.0), 0.008, depth=3)
    paint(
        image,
        (0.62, 0.16, 0.17),
        0.8 * canvas.soften(canvas.strokes(vessels), 0.0012) * ramp(depth, -0.2, 0.0),
    )


def _actinic(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius * 1.05, canvas.uniform(1.0, 1.3), site.angle, wobble=0.1)
    depth += 0.12 * canvas.fractal(0.12, 3)
    body = ramp(depth, -0.1, 0.3)
    paint(image, (0.80, 0.50, 0.46), 0.6 * body)
    follicles = canvas.cells(canvas.uniform(0.05, 0.065), jitter=0.3)
    paint(image, (0.70, 0.29, 0.27), 0.65 * body * ramp(follicles, 0.4, 0.95))
    paint(image, (0.92, 0.80, 0.68), 0.75 * body * ramp(-follicles, -0.38, -0.18))
    flakes = canvas.fractal(0.05, 4, gain=0.75) + 0.7 * canvas.fractal(0.2, 2)
    scale = body * ramp(flakes, 0.9, 1.5)
    shade(image, 1 - 0.3 * np.roll(scale, max(1, canvas.unit // 150), axis=0))
    paint(image, (0.93, 0.88, 0.77), 0.85 * scale)
    shade(image, 1 - 0.12 * body * ramp(canvas.fractal(0.02, 3, gain=0.8), 0.2, 1.5))


def _dermatofibroma(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius, canvas.uniform(1.0, 1.15), site.angle, wobble=0.03)
    body = ramp(depth, -0.15, 0.5)
    paint(image, (0.62, 0.42, 0.32), 0.7 * body)
    network = ramp(canvas.cells(canvas.uniform(0.02, 0.026), jitter=0.2), 0.6, 1.0)
    outskirts = ramp(depth, -0.15, 0.1) * (1 - ramp(depth, 0.4, 0.6))
    paint(image, (0.42, 0.25, 0.17), 0.65 * network * outskirts)
    patch = canvas.blob(site.centre, site.radius * canvas.uniform(0.42, 0.52), 1.1, site.angle, wobble=0.12)
    scar = ramp(patch + 0.15 * canvas.fractal(0.07, 4), -0.1, 0.6)
    paint(image, (0.94, 0.85, 0.80), 0.85 * scar)
    bands = [
        (
            curve(canvas.rng, (float(x), float(y)), site.angle + k * np.pi / 2, site.radius * 0.35, 0.1),
            0.005,
        )
        for k in (0, 1)
        for x, y in site.scatter(canvas, 4, outer=0.3)
    ]
    paint(image, (1.0, 0.96, 0.94), 0.7 * canvas.soften(canvas.strokes(bands), 0.001) * scar)


def _vascular(canvas: Canvas, image: Field, site: Site) -> None:
    depth = canvas.blob(site.centre, site.radius, canvas.uniform(1.0, 1.2), site.angle, wobble=0.05)
    paint(image, (0.80, 0.50, 0.50), 0.6 * ramp(depth, -0.08, 0.2))
    lagoons = site.scatter(canvas, int(canvas.rng.integers(22, 40)), outer=0.85)
    hues: tuple[Colour, ...] = (
        (0.62, 0.08, 0.12),
        (0.46, 0.07, 0.16),
        (0.34, 0.10, 0.30),
        (0.72, 0.16, 0.16),
    )
    clots = canvas.fractal(0.03, 3)
    for x, y in lagoons:
        radius = canvas.uniform(0.018, 0.055)
        lagoon = canvas.blob(
            (float(x), float(y)), radius, canvas.uniform(1.0, 1.25), canvas.uniform(0, np.pi), 0.04
        )
        paint(image, (0.86, 0.68, 0.66), 0.5 * ramp(lagoon, -0.25, -0.08) * (1 - ramp(lagoon, -0.02, 0.1)))
        inside = ramp(lagoon + 0.05 * clots, 0.0, 0.25)
        paint(image, hues[int(canvas.rng.integers(len(hues)))], 0.92 * inside)
        paint(image, (0.88, 0.45, 0.45), 0.25 * ramp(lagoon, 0.4, 0.95))


_LESIONS: Mapping[str, Callable[[Canvas, Field, Site], None]] = {
    "akiec": _actinic,
    "bcc": _basal_cell,
    "bkl": _keratosis,
    "df": _dermatofibroma,
    "mel": _melanoma,
    "nv": _naevus,
    "vasc": _vascular,
}


def draw(canvas: Canvas, label: str) -> tuple[Field, Colour]:
    """A lesion on skin, and the mean colour that the camera will settle on."""
    colour = tone(canvas)
    image = skin(canvas, colour)
    _LESIONS[label](canvas, image, Site(canvas))
    shade(image, 1 + 0.035 * canvas.fractal(0.04, 4, gain=0.75))
    hairs(canvas, image)
    brightness = canvas.uniform(0.72, 0.98)
    cast = canvas.rng.uniform(0.96, 1.04, 3)
    return image, [float(value) for value in np.asarray(colour) * brightness * cast]
