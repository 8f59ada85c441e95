"""Examples: working images and their labels as the tensors that a model is fed.

Training reads working images through the very function that serves them
(`triagelens.imaging.preprocess`), so a model never sees a pixel in production that it could not have
seen here.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training_job.phantoms import photograph, render
from triagelens.domain.manifest import InputSpec
from triagelens.domain.specialties import specialty as find_specialty
from triagelens.imaging.preprocess import preprocess

Role = Literal["train", "validation", "held_out", "phone"]

WORKING_SIDE = 1024
"""Longest side of a working image, in pixels."""

_ROLES: tuple[Role, ...] = ("train", "validation", "held_out", "phone")
_SEEDS_PER_ROLE = 100_000


@dataclass(frozen=True)
class Phantom:
    """One generated picture, named by what it is made from."""

    specialty: str
    label: str
    seed: int


@dataclass(frozen=True)
class Examples:
    """A set of images, ready for a model.

    Attributes:
        inputs: float32 (images, 3, height, width), as `preprocess` gives them.
        targets: int64 (images,), indices into the specialty's labels.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)


def phantoms(specialty: str, role: Role, per_class: int, seed: int) -> Iterator[Phantom]:
    """The phantoms of one set; sets of different roles or seeds have none in common."""
    if per_class > _SEEDS_PER_ROLE:
        raise ValueError(f"at most {_SEEDS_PER_ROLE} phantoms per class")
    first = (seed * len(_ROLES) + _ROLES.index(role)) * _SEEDS_PER_ROLE
    for index in range(per_class):
        for label in find_specialty(specialty).label_names:
            yield Phantom(specialty, label, first + index)


def working_image(phantom: Phantom) -> Image.Image:
    """The phantom as a working image of some camera: its size, sharpness and compression vary."""
    rng = np.random.default_rng([phantom.seed, 1])
    long = int(rng.integers(384, 640))
    short = round(long * float(rng.choice([0.75, 0.75, 0.5625, 1.0])))
    size = (short, long) if rng.random() < 0.4 else (long, short)
    defocus = float(rng.uniform(0, 1.5)) if rng.random() < 0.5 else 0.0
    picture = render(phantom.specialty, phantom.label, phantom.seed, size, defocus=defocus)
    return _through_jpeg(picture, int(rng.integers(80, 96)))


def phone_working_image(phantom: Phantom) -> Image.Image:
    """The phantom photographed at 12 megapixels, then reduced to a working image."""
    picture = Image.open(io.BytesIO(photograph(phantom.specialty, phantom.label, phantom.seed)))
    picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    return _through_jpeg(picture, 90)


def load(
    images: Iterable[Phantom],
    spec: InputSpec,
    read: Callable[[Phantom], Image.Image] = working_image,
) -> Examples:
    """Render and preprocess a set of phantoms."""
    inputs: list[NDArray[np.float32]] = []
    targets: list[int] = []
    for phantom in images:
        inputs.append(preprocess(read(phantom), spec))
        targets.append(find_specialty(phantom.specialty).label_names.index(phantom.label))
    return Examples(np.concatenate(inputs), np.asarray(targets, dtype=np.int64))


def _through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)
