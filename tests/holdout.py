"""Holdout images whose label can be read from their grey level, and models that answer as they are told."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from triagelens.domain.errors import ModelError, NotFoundError
from triagelens.domain.gate import HoldoutImage
from triagelens.domain.prediction import ModelIdentity, Prediction

SIDE = 16
STEP = 40  # grey levels between labels: JPEG keeps them apart


def picture(label: int, number: int) -> bytes:
    """A JPEG of one grey level for its label and one width for its number."""
    stream = io.BytesIO()
    Image.new("RGB", (SIDE + number, SIDE), (20 + STEP * label,) * 3).save(stream, "JPEG")
    return stream.getvalue()


def label_and_number(image: Image.Image) -> tuple[int, int]:
    level = image.convert("L").getpixel((0, 0))
    assert isinstance(level, int)
    return round((level - 20) / STEP), image.width - SIDE


@dataclass
class FakeHoldout:
    """`images` of each label of a specialty, all of different groups; also their files."""

    labels: Sequence[str]
    of_each: int
    files: dict[str, bytes] = field(default_factory=dict)
    known: list[HoldoutImage] = field(default_factory=list)

    def __post_init__(self) -> None:
        for index, label in enumerate(self.labels):
            for number in range(self.of_each):
                self.add(picture(index, number), label, f"group-{label}-{number}")

    def add(self, data: bytes, label: str, group: str) -> HoldoutImage:
        digest = hashlib.sha256(data).hexdigest()
        image = HoldoutImage(bucket="learning", key=digest, sha256=digest, label=label, group=group)
        self.files[digest] = data
        self.known.append(image)
        return image

    def images(self, specialty: str) -> Sequence[HoldoutImage]:
        return self.known

    def read(self, image: HoldoutImage) -> bytes:
        if image.key not in self.files:
            raise NotFoundError("gone")
        return self.files[image.key]


# (true label, number of the image) -> answered label and its probability; None: the model fails.
Script = Callable[[int, int], tuple[int, float] | None]


@dataclass
class ScriptedModel:
    """As much of a loaded model as the gate uses."""

    labels: Sequence[str]
    script: Script
    asked: int = 0

    def predict(self, image: Image.Image) -> Prediction:
        self.asked += 1
        said = self.script(*label_and_number(image))
        if said is None:
            raise ModelError("told to fail")
        answered, probability = said
        rest = (1 - probability) / (len(self.labels) - 1)
        return Prediction.ranked(
            {label: probability if index == answered else rest for index, label in enumerate(self.labels)},
            specialty="eye",
            model=ModelIdentity(name="scripted", version="1", sha256="a" * 64, manifest_sha256="b" * 64),
            demonstration=False,
            intended_use="tests",
        )


def always_right(label: int, number: int) -> tuple[int, float]:
    return label, 0.98
