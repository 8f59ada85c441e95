"""An eye from in front, as a phone photographs it: lids, sclera, iris and pupil.

A cataract shows in the pupil alone: a milky haze, spokes reaching in from its rim, a dense or amber core.
A healthy pupil is dark, but may carry a wide reflection or a dim red reflex.
"""

import numpy as np

from training_job.phantoms.canvas import Canvas, Colour, Field, Path, curve, paint, ramp, shade, tree
from training_job.phantoms.skin import skin, tone

_IRISES: tuple[Colour, ...] = (
    (0.30, 0.19, 0.11),
    (0.42, 0.29, 0.16),
    (0.36, 0.44, 0.30),
    (0.34, 0.46, 0.56),
    (0.48, 0.55, 0.58),
)


class Gaze:
    """Where iris and pupil are, in units."""

    def __init__(self, canvas: Canvas) -> None:
        self.centre = (canvas.uniform(-0.13, 0.13), canvas.uniform(-0.07, 0.07))
        self.iris = canvas.uniform(0.23, 0.30)
        self.pupil = self.iris * canvas.uniform(0.36, 0.6)


def _opening(canvas: Canvas, gaze: Gaze) -> Field:
    """How far each pixel lies inside the lids, in units."""
    middle = canvas.uniform(-0.06, 0.06)
    reach = canvas.uniform(0.55, 0.66)
    across = np.clip(1 - ((canvas.x - middle) / reach) ** 2, 0, None)
    upper = gaze.iris * canvas.uniform(0.7, 1.0) * across**0.6
    lower = gaze.iris * canvas.uniform(0.85, 1.1) * across**0.8
    tilt = canvas.uniform(-0.08, 0.08)
    y = canvas.y - gaze.centre[1] - tilt * canvas.x
    beyond = np.clip(np.abs(canvas.x - middle) - reach, 0, None)
    return np.asarray(np.minimum(y + upper, lower - y) - beyond, dtype=np.float32)


def _iris(canvas: Canvas, image: Field, gaze: Gaze, visible: Field) -> None:
    colour = np.asarray(_IRISES[int(canvas.rng.integers(len(_IRISES)))])
    dx, dy = canvas.x - gaze.centre[0], canvas.y - gaze.centre[1]
    radius = (np.hypot(dx, dy) / gaze.iris).astype(np.float32)
    inside = ramp(1 - radius, 0.0, 0.035) * visible
    paint(image, colour, inside)
    fibres: list[Path] = []
    for theta in np.arange(0, 2 * np.pi, 2 * np.pi / 110):
        heading = float(theta + canvas.rng.normal(0, 0.02))
        start = (
            gaze.centre[0] + gaze.pupil * float(np.cos(heading)),
            gaze.centre[1] + gaze.pupil * float(np.sin(heading)),
        )
        length = (gaze.iris - gaze.pupil) * canvas.uniform(0.4, 1.0)
        fibres.append(
            (curve(canvas.rng, start, heading, length, 0.25, steps=10), canvas.uniform(0.002, 0.006))
        )
    paint(image, np.minimum(colour * 1.7 + 0.08, 1.0), 0.55 * canvas.strokes(fibres[::2]) * inside)
    paint(image, colour * 0.45, 0.6 * canvas.strokes(fibres[1::2]) * inside)
    shade(image, 1 - 0.55 * ramp(radius, 0.82, 1.0) * inside)
    collarette = gaze.pupil / gaze.iris + 0.15
    paint(
        image,
        np.minimum(colour * 1.5 + 0.05, 1.0),
        0.3 * inside * ramp(-np.abs(radius - collarette), -0.07, 0.0),
    )


def _healthy(canvas: Canvas, image: Field, gaze: Gaze, pupil: Field) -> None:
    glow = canvas.uniform(0.0, 1.0) ** 3
    paint(image, (0.03 + 0.30 * glow, 0.03 + 0.07 * glow, 0.035 + 0.03 * glow), pupil)


def _cataract(canvas: Canvas, image: Field, gaze: Gaze, pupil: Field) -> None:
    haze = canvas.uniform(0.5, 0.85)
    milky = np.asarray((0.74, 0.76, 0.76)) if canvas.chance(0.65) else np.asarray((0.66, 0.54, 0.34))
    paint(image, milky * haze, pupil)
    cloud = ramp(canvas.fractal(0.06, 4), -0.8, 1.6)
    paint(image, np.minimum(milky * 1.25, 1.0), 0.5 * cloud * pupil)
    core = canvas.blob(gaze.centre, gaze.pupil * canvas.uniform(0.45, 0.75), wobble=0.08)
    paint(image, np.minimum(milky * canvas.uniform(0.9, 1.3), 1.0), 0.6 * ramp(core, 0.0, 0.5) * pupil)
    if canvas.chance(0.75):
        _spokes(canvas, image, gaze, pupil)


def _spokes(canvas: Canvas, image: Field, gaze: Gaze, pupil: Field) -> None:
    """Cortical opacities: wedges of uneven length from the pupil's rim inwards."""
    spokes: list[Path] = []
    for theta in np.linspace(0, 2 * np.pi, int(canvas.rng.integers(9, 18)), endpoint=False):
        heading = float(theta + canvas.rng.normal(0, 0.15))
        rim = (
            gaze.centre[0] + 1.02 * gaze.pupil * float(np.cos(heading)),
            gaze.centre[1] + 1.02 * gaze.pupil * float(np.sin(heading)),
        )
        inward = curve(
            canvas.rng, rim, heading + np.pi, gaze.pupil * canvas.uniform(0.25, 0.8), 0.15, steps=6
        )
        width = canvas.uniform(0.006, 0.014)
        spokes += [(inward[:part], width * (1.3 - part / 6)) for part in (2, 4, 6)]
    paint(image, (0.90, 0.91, 0.90), 0.65 * canvas.soften(canvas.strokes(spokes), 0.003) * pupil)


def _reflection(canvas: Canvas, image: Field, gaze: Gaze) -> None:
    """The light source on the cornea: a window, a lamp or a ring of light."""
    place = (
        gaze.centre[0] + gaze.iris * canvas.uniform(-0.4, 0.4),
        gaze.centre[1] + gaze.iris * canvas.uniform(-0.45, 0.2),
    )
    size = gaze.iris * canvas.uniform(0.1, 0.24)
    kind = canvas.rng.random()
    if kind < 0.4:
        dx, dy = np.abs(canvas.x - place[0]), np.abs(canvas.y - place[1])
        pane = ramp(size - np.maximum(dx * 1.3, dy), 0.0, 0.008) * (
            1 - 0.8 * ramp(0.007 - np.minimum(dx, dy), 0.0, 0.004)
        )
        paint(image, (0.94, 0.97, 1.0), canvas.uniform(0.6, 0.95) * pane.astype(np.float32))
        return
    lamp = canvas.blob(place, size, canvas.uniform(1.0, 1.2))
    glow = ramp(lamp, 0.0, 0.15)
    if kind > 0.75:
        glow = glow * (1 - ramp(lamp, 0.35, 0.5))
    paint(image, (1.0, 0.98, 0.95), canvas.uniform(0.7, 0.98) * glow)


def _lashes(canvas: Canvas, image: Field, inside: Field) -> None:
    """Lashes grow from the lid's edge, which is found in the opening's own field."""
    paths: list[Path] = []
    for place in canvas.rng.uniform(0, 1, 80):
        column = int(place * canvas.width)
        rows = np.flatnonzero(inside[:, column] > 0)
        if len(rows) < canvas.height // 50:
            continue
        x = (column - canvas.width / 2) / canvas.unit
        upper = canvas.chance(0.7)
        y = (float(rows[0] if upper else rows[-1]) - canvas.height / 2) / canvas.unit
        away = (-1.0 if upper else 1.0) * (np.pi / 2 - 1.5 * x) + canvas.rng.normal(0, 0.12)
        length = canvas.uniform(0.06, 0.13) if upper else canvas.uniform(0.03, 0.06)
        bend = np.linspace(0.5, -0.5, 9) * (-1.0 if (x < 0) == upper else 1.0)
        steps = np.stack([np.cos(away + bend), np.sin(away + bend)], axis=1) * length / 9
        lash = np.cumsum(steps, axis=0) + np.asarray((x, y))
        paths += [(lash[:5], 0.0045), (lash[4:], 0.0025)]
    paint(image, (0.10, 0.07, 0.06), 0.85 * canvas.strokes(paths))


def draw(canvas: Canvas, label: str) -> tuple[Field, Colour]:
    """An eye, and the mean colour that the camera will settle on."""
    colour = tone(canvas)
    gaze = Gaze(canvas)
    image = skin(canvas, colour)
    inside = _opening(canvas, gaze)
    visible = ramp(inside, 0.0, 0.012)
    above = ramp(gaze.centre[1] - canvas.y, -0.06, 0.06)
    shade(image, 1 - 0.35 * ramp(inside, -0.12, 0.0) * (1 - visible))
    crease = inside + canvas.uniform(0.07, 0.12)
    lid = above * ramp(-np.abs(canvas.x - gaze.centre[0]), -0.62, -0.3)
    shade(image, 1 - 0.4 * canvas.soften(ramp(-np.abs(crease), -0.014, 0.0) * lid, 0.004))
    shade(image, 1 + 0.12 * ramp(-np.abs(crease - 0.035), -0.03, 0.0) * lid)
    paint(image, (0.88, 0.84, 0.82), visible)
    corners = ramp(np.abs(canvas.x - gaze.centre[0]), 0.3, 0.7) * visible
    paint(image, (0.78, 0.58, 0.55), 0.55 * np.asarray(corners))
    shade(image, 1 - 0.4 * visible * ramp(-inside, -0.09, 0.0) * (0.5 + 0.5 * above))
    paint(image, (0.80, 0.52, 0.49), 0.7 * ramp(-np.abs(inside + 0.006), -0.012, -0.004) * (1 - above))
    veins: list[Path] = []
    for side in (-1, 1):
        for _ in range(5):
            start = (side * canvas.uniform(0.45, 0.62), gaze.centre[1] + canvas.uniform(-0.12, 0.12))
            heading = (np.pi if side > 0 else 0.0) + canvas.rng.normal(0, 0.3)
            veins += tree(canvas.rng, start, heading, canvas.uniform(0.08, 0.18), 0.0025, depth=2)
    paint(image, (0.76, 0.36, 0.34), 0.45 * canvas.soften(canvas.strokes(veins), 0.001) * visible)
    _iris(canvas, image, gaze, visible)
    disc = canvas.blob(
        gaze.centre, gaze.pupil, canvas.uniform(1.0, 1.04), canvas.uniform(0, np.pi), wobble=0.01
    )
    pupil = ramp(disc, 0.0, 0.06) * visible
    (_cataract if label == "cataract" else _healthy)(canvas, image, gaze, pupil)
    shade(image, 1 - 0.45 * ramp(-inside, -0.08, 0.0) * above * visible)
    _reflection(canvas, image, gaze)
    _lashes(canvas, image, inside)
    brightness = canvas.uniform(0.62, 0.82)
    cast = canvas.rng.uniform(0.96, 1.04, 3)
    return image, [float(value) for value in np.asarray(colour) * brightness * cast]
