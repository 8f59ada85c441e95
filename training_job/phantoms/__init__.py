"""Phantoms: generated pictures that stand for patients' images.

The classes of a specialty differ by shape, texture and structure, roughly as the diseases do; their mean
colour tells nothing. They show that the platform works. They say nothing about real patients.
Needs NumPy, OpenCV and Pillow only.
"""

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from training_job.phantoms import brain, camera, eye, oral, skin
from training_job.phantoms.canvas import Canvas, Colour, Field
from triagelens.domain.specialties import specialty as find_specialty

GENERATOR_VERSION = "1"
SCENE_SIDE = 1024
"""Longest side, in pixels, at which a scene is drawn: what a lens resolves of it."""

_GRAIN = 0.04
_SHARPENING = 1.5
_PHONE_NOISE = 6.0


@dataclass(frozen=True)
class _Kind:
    """How one specialty's pictures are made.

    Attributes:
        exposure: how firmly the camera settles on the mean colour that the drawing names. With two
            classes it must be firm, or the mean colour would give the lesion away.
        grey: a scanner's picture: one channel, no lamp.
    """

    draw: Callable[[Canvas, str], tuple[Field, Colour]]
    exposure: float
    grey: bool = False


_KINDS: Mapping[str, _Kind] = {
    "skin": _Kind(skin.draw, exposure=0.5),
    "eye": _Kind(eye.draw, exposure=1.0),
    "oral": _Kind(oral.draw, exposure=1.0),
    "brain": _Kind(brain.draw, exposure=0.6, grey=True),
}


def render(
    specialty: str,
    label: str,
    seed: int,
    size: tuple[int, int] = (1024, 768),
    *,
    defocus: float = 0.0,
    noise: float | None = None,
) -> Image.Image:
    """A picture of one class; the same arguments give the same pixels.

    Args:
        specialty: a specialty of the deployment's table.
        label: one of its labels.
        size: (width, height) in pixels, as Pillow has it; up to phone size, e.g. (4032, 3024).
        defocus: lens blur, as the standard deviation in pixels of a 1024-pixel working image.
        noise: sensor noise in grey levels; drawn between 1.5 and 6 if not given.

    Raises:
        UnknownSpecialtyError: the deployment has none of that name.
        ValueError: the specialty has no such label, or no generator.
    """
    if label not in find_specialty(specialty).label_names or specialty not in _KINDS:
        raise ValueError(f"no phantom of {specialty}/{label}")
    rng = np.random.default_rng([seed, zlib.crc32(f"{specialty}/{label}".encode())])
    width, height = size
    shrink = min(1.0, SCENE_SIDE / max(size))
    canvas = Canvas(rng, height=round(height * shrink), width=round(width * shrink))
    kind = _KINDS[specialty]
    scene, target = kind.draw(canvas, label)
    if not kind.grey:
        camera.light(canvas, scene)
    camera.expose(scene, target, kind.exposure)
    camera.grain(canvas, scene, _GRAIN)
    scene = camera.focus(scene, defocus * max(canvas.width, canvas.height) / SCENE_SIDE)
    camera.sharpen(scene, _SHARPENING)
    drawn = canvas.uniform(1.5, 6.0)
    pixels = camera.sense(scene, rng, size, drawn if noise is None else noise, kind.grey)
    return Image.fromarray(pixels)


def photograph(
    specialty: str,
    label: str,
    seed: int,
    size: tuple[int, int] = (4032, 3024),
    *,
    defocus: float = 0.0,
    quality: int = 90,
) -> bytes:
    """The JPEG file that a phone would upload: `render` at several megapixels, with sensor noise."""
    buffer = io.BytesIO()
    render(specialty, label, seed, size, defocus=defocus, noise=_PHONE_NOISE).save(
        buffer, "JPEG", quality=quality
    )
    return buffer.getvalue()
