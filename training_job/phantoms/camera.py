"""What a camera adds to a scene: light, exposure, lens and sensor."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training_job.phantoms.canvas import Canvas, Colour, Field, shade

_EXPOSURE_ROUNDS = 3
_SHARPEN_SIGMA = 1.0


def light(canvas: Canvas, image: Field) -> None:
    """Uneven light from one side and a vignette, in place."""
    angle = canvas.uniform(0, 2 * np.pi)
    slope = canvas.uniform(0, 0.22)
    side = 1 + slope * (canvas.x * np.float32(np.cos(angle)) + canvas.y * np.float32(np.sin(angle)))
    radius = np.hypot(canvas.x, canvas.y) / np.hypot(canvas.half_width, canvas.half_height)
    vignette = 1 - canvas.uniform(0.03, 0.3) * radius**3
    shade(image, side * vignette)


def expose(image: Field, target: Colour, strength: float) -> None:
    """Automatic exposure and white balance, in place: bring the mean of each channel towards `target`.

    At `strength` 1 the mean becomes the target, so that it tells nothing about what is in the picture;
    at 0 it is left alone.
    """
    before = np.maximum(cv2.mean(image)[:3], 1e-3)
    goal = before ** (1 - strength) * np.asarray(target) ** strength
    for _ in range(_EXPOSURE_ROUNDS):
        gains = goal / np.maximum(cv2.mean(image)[:3], 1e-3)
        image *= gains.astype(np.float32)
        np.clip(image, 0, 1, out=image)


def grain(canvas: Canvas, image: Field, strength: float) -> None:
    """The finest relief a lens resolves, in place: what makes a picture in focus look so.

    It weakens with the square root of brightness, so that dark skin keeps its relief.
    """
    relief = np.float32(strength) * canvas.fractal(0.0045, octaves=2, gain=0.8)
    image += np.sqrt(image) * cv2.merge([relief] * 3)


def sharpen(image: Field, amount: float) -> None:
    """Unsharp masking, as every phone does it, in place."""
    soft = cv2.GaussianBlur(image, (0, 0), _SHARPEN_SIGMA)
    image += np.float32(amount) * (image - soft)
    np.clip(image, 0, 1, out=image)


def focus(image: Field, sigma: float) -> Field:
    """Lens blur: a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32) if sigma > 0 else image


def sense(
    scene: Field,
    rng: np.random.Generator,
    size: tuple[int, int],
    noise: float,
    grey: bool = False,
) -> NDArray[np.uint8]:
    """The scene as a sensor of `size` (width, height) records it.

    `noise` is the standard deviation of the read-out, in grey levels. A grey sensor has one noise for its
    three channels.

    Returns:
        uint8 of shape (height, width, 3), RGB.
    """
    if (scene.shape[1], scene.shape[0]) != size:
        scene = np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    levels = scene * np.float32(255)
    grain = rng.standard_normal((*levels.shape[:2], 1 if grey else 3), dtype=np.float32)
    levels += grain * np.float32(noise)
    np.clip(levels, 0, 255, out=levels)
    return np.asarray(np.rint(levels), dtype=np.uint8)
