"""Axial T1-weighted slices of the head after contrast: scalp, skull, folded cortex, white matter, ventricles.

A slice is taken at the ventricles or at the sella. A glioma lies inside the white matter: a ragged
enhancing rim, a dark core, dark oedema around. A meningioma sits on the dura: round, even and bright,
with a dural tail. A pituitary tumour fills the sella in the midline. A slice without a tumour may be of
either level.
"""

from dataclasses import dataclass

import numpy as np

from training_job.phantoms.canvas import Canvas, Colour, Field, paint, ramp, shade


@dataclass(frozen=True)
class Head:
    """The frame of one head: everything else is placed relative to it.

    Attributes:
        depth: of the brain's outline, 1 in the middle, 0 on the dura, negative outside.
        centre, angle: position (units) and tilt (radians).
        reach: half width and half length of the brain, in units.
    """

    depth: Field
    centre: tuple[float, float]
    angle: float
    reach: tuple[float, float]

    def at(self, across: float, along: float) -> tuple[float, float]:
        """A point given in the head's own frame: across to its right, along to the back; 1 is the dura."""
        x, y = across * self.reach[0], along * self.reach[1]
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return (
            self.centre[0] + float(x * cosine - y * sine),
            self.centre[1] + float(x * sine + y * cosine),
        )


def _grey(level: float) -> Colour:
    return (level, level, level)


def _head(canvas: Canvas) -> Head:
    centre = (canvas.uniform(-0.05, 0.05), canvas.uniform(-0.04, 0.04))
    angle = canvas.rng.normal(0, 0.07)
    mean = canvas.uniform(0.33, 0.38)
    aspect = canvas.uniform(0.88, 0.94)
    depth = canvas.blob(centre, mean, aspect, angle, wobble=0.01, harmonics=range(2, 5))
    return Head(depth, centre, angle, (mean * aspect, mean / aspect))


def _skull(canvas: Canvas, image: Field, head: Head) -> None:
    """From outside: bright scalp fat, dark outer table, marrow, dark inner table and fluid."""
    depth = head.depth + 0.006 * canvas.fractal(0.3, 2)
    thick = canvas.uniform(0.85, 1.15)
    paint(image, _grey(0.62), ramp(depth, -0.225 * thick, -0.21 * thick))
    shade(image, 1 + 0.15 * canvas.fractal(0.03, 3) * ramp(depth, -0.22, -0.2))
    paint(image, _grey(0.07), ramp(depth, -0.145 * thick, -0.13 * thick))
    paint(image, _grey(0.30), ramp(depth, -0.11 * thick, -0.10 * thick) * (1 - ramp(depth, -0.075, -0.065)))
    paint(image, _grey(0.10), ramp(depth, -0.06, -0.05))


def _folds(canvas: Canvas, image: Field, head: Head) -> None:
    """White matter in the middle, a ribbon of grey matter folded around it, dark sulci between."""
    brain = ramp(head.depth, -0.012, 0.008)
    paint(image, _grey(0.40), brain)
    folding = canvas.fractal(0.09, 3, gain=0.45)
    ribbon = head.depth + 0.085 * folding
    paint(image, _grey(0.57), ramp(ribbon, 0.16, 0.22) * brain)
    sulci = np.abs(canvas.fractal(0.075, 2, gain=0.4))
    near = 1 - ramp(head.depth + 0.04 * folding, 0.10, 0.24)
    paint(image, _grey(0.15), 0.85 * near * brain * ramp(-sulci, -0.26, -0.06))
    shade(image, 1 + 0.025 * canvas.fractal(0.02, 3, gain=0.7) * brain)


def _spot(
    canvas: Canvas, head: Head, place: tuple[float, float], radius: float, aspect: float, turn: float
) -> Field:
    return canvas.blob(head.at(*place), radius, aspect, head.angle + turn, wobble=0.03)


def _midline(canvas: Canvas, image: Field, head: Head, spans: tuple[tuple[float, float], ...]) -> None:
    """The fissure between the hemispheres, over the given stretches of the head's length."""
    paths = []
    for start, end in spans:
        along = np.linspace(start, end, 12)
        points = np.asarray([head.at(canvas.rng.normal(0, 0.006), float(t)) for t in along], dtype=np.float32)
        paths.append((points, 0.006))
    paint(image, _grey(0.16), 0.85 * canvas.strokes(paths))


def _ventricle_level(canvas: Canvas, image: Field, head: Head) -> None:
    _midline(canvas, image, head, ((-0.98, -0.42), (0.42, 0.98)))
    size = canvas.uniform(0.8, 1.3)
    for side in (-1, 1):
        for across, along in ((0.24, -0.22), (0.22, 0.08)):
            nucleus = _spot(canvas, head, (side * across, along), 0.05, 0.75, 0.0)
            paint(image, _grey(0.46), 0.8 * ramp(nucleus, 0.0, 0.3))
        chamber = np.full_like(image[..., 0], -2.0)
        for across, along, radius, turn in (
            (0.14, -0.30, 0.040, -0.45),
            (0.09, -0.12, 0.034, 0.05),
            (0.14, 0.10, 0.030, 0.25),
            (0.22, 0.30, 0.044, 0.5),
        ):
            part = _spot(canvas, head, (side * across, along), radius * size, 0.62, -side * turn)
            chamber = np.maximum(chamber, part)
        paint(image, _grey(0.11), 0.93 * ramp(chamber, 0.0, 0.18))
    third = _spot(canvas, head, (0.0, 0.04), 0.022 * size, 0.5, 0.0)
    paint(image, _grey(0.12), 0.85 * ramp(third, 0.0, 0.3))


def _sella_level(canvas: Canvas, image: Field, head: Head) -> None:
    _midline(canvas, image, head, ((-0.98, -0.40), (0.72, 0.98)))
    for side in (-1, 1):
        fissure = _spot(canvas, head, (side * 0.5, -0.2), 0.055, 2.1, -side * 0.45)
        fissure += 0.12 * canvas.fractal(0.06, 3)
        paint(image, _grey(0.12), 0.85 * ramp(fissure, 0.0, 0.25))
        horn = _spot(canvas, head, (side * 0.46, 0.12), 0.028, 0.6, side * 0.3)
        paint(image, _grey(0.12), 0.85 * ramp(horn, 0.0, 0.3))
    cistern = canvas.blob(head.at(0.0, -0.17), 0.085, 1.0, head.angle + np.pi / 10, 0.32, harmonics=(5,))
    paint(image, _grey(0.10), 0.92 * ramp(cistern, 0.0, 0.15))
    brainstem = _spot(canvas, head, (0.0, 0.17), 0.085, 1.15, 0.0)
    paint(image, _grey(0.54), 0.9 * ramp(brainstem, 0.0, 0.12))
    aqueduct = _spot(canvas, head, (0.0, 0.27), 0.012, 1.0, 0.0)
    paint(image, _grey(0.12), ramp(aqueduct, 0.0, 0.4))
    vermis = _spot(canvas, head, (0.0, 0.55), 0.15, 1.25, 0.0)
    leaves = np.abs(canvas.fractal(0.035, 2) + 0.5 * canvas.fractal(0.1, 1))
    paint(image, _grey(0.47), 0.8 * ramp(vermis, 0.0, 0.1))
    paint(image, _grey(0.27), 0.7 * ramp(vermis, 0.0, 0.1) * ramp(-leaves, -0.4, -0.05))
    stalk = _spot(canvas, head, (0.0, -0.19), 0.013, 1.0, 0.0)
    paint(image, _grey(0.78), ramp(stalk, 0.0, 0.4))


def _glioma(canvas: Canvas, image: Field, head: Head) -> None:
    side = -1 if canvas.chance(0.5) else 1
    place = head.at(side * canvas.uniform(0.36, 0.52), canvas.uniform(-0.45, 0.5))
    radius = canvas.uniform(0.07, 0.115)
    brain = ramp(head.depth, 0.0, 0.02)
    depth = canvas.blob(place, radius, canvas.uniform(1.0, 1.3), canvas.uniform(0, np.pi), 0.16, range(2, 8))
    depth += 0.10 * canvas.fractal(0.05, 3)
    oedema = canvas.soften(ramp(depth + 0.25 * canvas.fractal(0.12, 2), -1.0, -0.35), 0.008)
    paint(image, _grey(0.27), 0.7 * oedema * brain)
    paint(image, _grey(0.88), 0.92 * ramp(depth, 0.0, 0.10) * brain)
    core = depth - canvas.uniform(0.28, 0.42) + 0.10 * canvas.fractal(0.06, 3)
    paint(image, _grey(0.17), 0.92 * ramp(core, 0.0, 0.12) * brain)


def _meningioma(canvas: Canvas, image: Field, head: Head) -> None:
    theta = canvas.uniform(-2.6, -0.5) if canvas.chance(0.5) else canvas.uniform(0.5, 2.6)
    radius = canvas.uniform(0.065, 0.115)
    seat = 0.98 - radius / float(np.mean(head.reach)) * 0.75
    place = head.at(seat * float(np.sin(theta)), -seat * float(np.cos(theta)))
    depth = canvas.blob(place, radius, canvas.uniform(1.0, 1.12), canvas.uniform(0, np.pi), wobble=0.025)
    inner = ramp(head.depth, -0.03, -0.015)
    cleft = ramp(depth, -0.18, -0.1) * inner
    paint(image, _grey(0.13), 0.8 * cleft)
    angle = np.arctan2(canvas.y - head.centre[1], canvas.x - head.centre[0])
    seat_angle = np.arctan2(place[1] - head.centre[1], place[0] - head.centre[0])
    away = np.abs(np.angle(np.exp(1j * (angle - seat_angle)))).astype(np.float32)
    tail = ramp(-np.abs(head.depth + 0.005), -0.022, -0.008) * ramp(-away, -radius * 4.2, -radius * 2.0)
    paint(image, _grey(0.84), 0.9 * tail)
    paint(image, _grey(canvas.uniform(0.78, 0.9)), 0.95 * ramp(depth, 0.0, 0.06) * inner)


def _pituitary(canvas: Canvas, image: Field, head: Head) -> None:
    radius = canvas.uniform(0.055, 0.085)
    place = (canvas.rng.normal(0, 0.02), -0.2 + canvas.rng.normal(0, 0.02))
    lower = _spot(canvas, head, place, radius, canvas.uniform(1.0, 1.2), 0.0)
    upper = _spot(
        canvas, head, (place[0], place[1] - radius * 1.9), radius * canvas.uniform(0.6, 0.85), 1.1, 0.0
    )
    mass = np.maximum(lower, upper) + 0.03 * canvas.fractal(0.05, 2)
    level = canvas.uniform(0.74, 0.88)
    paint(image, _grey(level), 0.95 * ramp(mass, 0.0, 0.1))
    paint(image, _grey(level * 0.7), 0.5 * ramp(lower, 0.3, 0.8) * ramp(canvas.fractal(0.05, 3), 0.0, 1.0))
    for side in (-1, 1):
        carotid = _spot(
            canvas, head, (place[0] + side * (radius + 0.03) / head.reach[0], place[1]), 0.013, 1.0, 0.0
        )
        paint(image, _grey(0.95), ramp(carotid, 0.0, 0.3))


def draw(canvas: Canvas, label: str) -> tuple[Field, Colour]:
    """A slice, and the mean grey that the window setting will give it."""
    image = canvas.flat(_grey(0.02))
    head = _head(canvas)
    _skull(canvas, image, head)
    _folds(canvas, image, head)
    at_sella = label == "pituitary" or canvas.chance(0.4)
    (_sella_level if at_sella else _ventricle_level)(canvas, image, head)
    if label == "glioma":
        _glioma(canvas, image, head)
    elif label == "meningioma":
        _meningioma(canvas, image, head)
    elif label == "pituitary":
        _pituitary(canvas, image, head)
    bias = 1 + canvas.uniform(0.0, 0.12) * canvas.fractal(1.0, 1)
    shade(image, bias)
    return image, _grey(canvas.uniform(0.16, 0.24))
