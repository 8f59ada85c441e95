"""The lining of the mouth: wet pink mucosa with vessels, folds and shine, often with teeth at an edge.

A lesion is an ulcer (yellowish floor, red halo), a white patch (sharp, fissured) or a red velvety patch.
Healthy pictures carry what is easily taken for one: shine, vessels, a bite line, papillae.
"""

import numpy as np

from training_job.phantoms.canvas import Canvas, Colour, Field, Path, curve, paint, ramp, shade, tint, tree

_MUCOSA: tuple[Colour, Colour] = ((0.86, 0.52, 0.50), (0.66, 0.34, 0.33))


def _mucosa(canvas: Canvas, colour: Colour) -> Field:
    image = canvas.flat(colour)
    relief = canvas.fractal(0.3, octaves=5)
    tint(image, relief, (0.04, 0.075, 0.07))
    shade(image, 1 + 0.035 * canvas.fractal(0.014, octaves=3, gain=0.8))
    vessels: list[Path] = []
    for _ in range(int(canvas.rng.integers(4, 10))):
        start = (canvas.uniform(-0.6, 0.6), canvas.uniform(-0.6, 0.6))
        heading = canvas.uniform(0, 2 * np.pi)
        vessels += tree(
            canvas.rng, start, heading, canvas.uniform(0.15, 0.3), canvas.uniform(0.004, 0.007), 3
        )
    paint(image, (0.60, 0.13, 0.18), 0.4 * canvas.soften(canvas.strokes(vessels), 0.0012))
    return image


def _folds(canvas: Canvas, image: Field) -> None:
    """Broad folds: a dark valley beside a lit ridge."""
    for _ in range(int(canvas.rng.integers(1, 4))):
        start = (-1.0, canvas.uniform(-0.6, 0.6))
        line = curve(canvas.rng, start, canvas.rng.normal(0, 0.4), 2.4, 0.7, steps=48)
        if canvas.chance(0.4):
            line = line[:, ::-1]
        valley = canvas.soften(canvas.strokes([(line, 0.03)]), 0.022)
        ridge = canvas.soften(canvas.strokes([(line - 0.04, 0.05)]), 0.03)
        shade(image, 1 - 0.4 * valley + 0.2 * ridge)


def _papillae(canvas: Canvas, image: Field) -> None:
    """The tongue's back: a fine carpet of bright points with some red ones."""
    carpet = canvas.cells(canvas.uniform(0.018, 0.024), jitter=0.4)
    region = ramp(canvas.fractal(0.6, 2), -0.3, 0.6)
    paint(image, (0.93, 0.74, 0.72), 0.45 * region * ramp(-carpet, -0.5, -0.1))
    buds = np.stack([canvas.rng.uniform(-0.6, 0.6, 40), canvas.rng.uniform(-0.6, 0.6, 40)], axis=1)
    paint(image, (0.78, 0.22, 0.24), 0.6 * region * canvas.dots(buds, canvas.rng.uniform(0.006, 0.010, 40)))


def _bite_line(canvas: Canvas, image: Field) -> None:
    line = curve(canvas.rng, (-0.7, canvas.uniform(-0.3, 0.3)), canvas.rng.normal(0, 0.15), 1.4, 0.25)
    paint(image, (0.94, 0.80, 0.77), 0.55 * canvas.soften(canvas.strokes([(line, 0.012)]), 0.004))


def _teeth(canvas: Canvas, image: Field) -> None:
    """A row of teeth along the top or bottom edge, set in gum."""
    side = -1.0 if canvas.chance(0.5) else 1.0
    row = side * (canvas.half_height - canvas.uniform(0.02, 0.07))
    gum = side * canvas.y - (abs(row) - 0.16) + 0.015 * np.cos(canvas.x * 40)
    paint(image, (0.80, 0.42, 0.43), 0.8 * ramp(gum.astype(np.float32), 0.0, 0.03))
    width = canvas.uniform(0.15, 0.2)
    offset = canvas.uniform(0, width)
    for x in np.arange(-canvas.half_width - width, canvas.half_width + width, width):
        dx = np.abs(canvas.x - (x + offset)) / (width * 0.47)
        dy = np.abs(canvas.y - row) / canvas.uniform(0.10, 0.12)
        tooth = ramp((1 - (dx**4 + dy**4) ** 0.25).astype(np.float32), 0.0, 0.07)
        paint(image, np.asarray((0.93, 0.89, 0.79)) * canvas.uniform(0.92, 1.03), tooth)
        shade(image, 1 - 0.2 * tooth * ramp(dx + 0 * dy, 0.7, 1.0))


def _shine(canvas: Canvas, image: Field) -> None:
    """Wet highlights, which normal and diseased mucosa share."""
    wet = 0.9 * canvas.fractal(0.35, 2)
    broad = canvas.fractal(0.1, 2, gain=0.4) + wet
    threshold = canvas.uniform(1.9, 2.5)
    paint(image, (1.0, 0.93, 0.92), 0.7 * ramp(broad, threshold, threshold + 1.6))
    fine = canvas.fractal(0.03, 2, gain=0.35) + 0.8 * broad
    paint(image, (1.0, 0.99, 0.98), 0.9 * ramp(fine, threshold + 1.0, threshold + 1.7))


def _ulcer(canvas: Canvas, image: Field, centre: tuple[float, float], radius: float, angle: float) -> None:
    depth = canvas.blob(centre, radius, canvas.uniform(1.0, 1.35), angle, wobble=0.07)
    depth += 0.03 * canvas.fractal(0.05, 3)
    halo = ramp(depth, -0.6, 0.05)
    paint(image, (0.70, 0.14, 0.16), 0.6 * halo)
    floor = ramp(depth, 0.02, 0.2)
    paint(image, (0.86, 0.77, 0.60), 0.88 * floor)
    slough = canvas.fractal(0.06, 5, gain=0.7)
    paint(image, (0.95, 0.91, 0.80), 0.7 * floor * ramp(slough, 0.0, 1.5))
    paint(image, (0.72, 0.36, 0.32), 0.6 * floor * ramp(-slough, 0.6, 1.8))
    rolled = ramp(depth, -0.05, 0.03) * (1 - ramp(depth, 0.03, 0.12))
    paint(image, (0.58, 0.10, 0.12), 0.5 * rolled)


def _white_patch(
    canvas: Canvas, image: Field, centre: tuple[float, float], radius: float, angle: float
) -> None:
    depth = canvas.blob(centre, radius * 1.15, canvas.uniform(1.0, 1.5), angle, 0.18, harmonics=range(2, 9))
    depth += 0.06 * canvas.fractal(0.07, 3)
    plaque = ramp(depth, 0.0, 0.11)
    paint(image, (0.92, 0.85, 0.82), 0.85 * plaque)
    cracks = np.abs(canvas.fractal(canvas.uniform(0.07, 0.11), 3))
    paint(image, (0.74, 0.43, 0.42), 0.7 * plaque * ramp(-cracks, -0.13, 0.0))
    shade(image, 1 - 0.10 * plaque * ramp(canvas.fractal(0.03, 3), 0.3, 1.3))


def _red_patch(
    canvas: Canvas, image: Field, centre: tuple[float, float], radius: float, angle: float
) -> None:
    depth = canvas.blob(centre, radius * 1.1, canvas.uniform(1.0, 1.4), angle, 0.14, harmonics=range(2, 8))
    depth += 0.04 * canvas.fractal(0.06, 3)
    patch = ramp(depth, 0.0, 0.08)
    paint(image, (0.62, 0.10, 0.12), 0.8 * patch)
    velvet = canvas.cells(canvas.uniform(0.022, 0.03), jitter=0.45)
    paint(image, (0.82, 0.32, 0.30), 0.5 * patch * ramp(-velvet, -0.6, -0.1))
    specks = centre + canvas.rng.normal(0, radius * 0.4, (14, 2))
    paint(image, (0.95, 0.90, 0.86), 0.8 * patch * canvas.dots(specks, canvas.rng.uniform(0.005, 0.011, 14)))


def _lesion(canvas: Canvas, image: Field) -> None:
    centre = (canvas.uniform(-0.18, 0.18), canvas.uniform(-0.15, 0.15))
    radius = canvas.uniform(0.12, 0.22)
    kinds = (_ulcer, _white_patch, _red_patch)
    kinds[int(canvas.rng.integers(len(kinds)))](canvas, image, centre, radius, canvas.uniform(0, np.pi))


def draw(canvas: Canvas, label: str) -> tuple[Field, Colour]:
    """A view into the mouth, and the mean colour that the camera will settle on."""
    mix = canvas.uniform(0, 1)
    colour = [a + mix * (b - a) for a, b in zip(*_MUCOSA, strict=True)]
    image = _mucosa(canvas, colour)
    _folds(canvas, image)
    if canvas.chance(0.4):
        _papillae(canvas, image)
    if canvas.chance(0.35):
        _bite_line(canvas, image)
    if label == "lesion":
        _lesion(canvas, image)
    if canvas.chance(0.5):
        _teeth(canvas, image)
    _shine(canvas, image)
    brightness = canvas.uniform(0.8, 1.05)
    cast = canvas.rng.uniform(0.95, 1.05, 3)
    return image, [float(value) for value in np.asarray(colour) * brightness * cast]
