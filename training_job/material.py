"""What a run is trained and judged on: images, labels and pixels, set by set."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training_job.arrangement import Problem
from training_job.pixels import ModelInputs, Pixels
from training_job.splits import FEWEST_TO_CALIBRATE, PARTS, Part, parts_of
from training_job.working_images import TrainingImage
from triagelens.domain.manifest import InputSpec

logger = logging.getLogger(__name__)
_NAMED = 5


@dataclass(frozen=True)
class Material:
    """The images of a run.

    Attributes:
        pixels: uint8 (images, height, width, 3), as long as `images`.
    """

    images: Sequence[TrainingImage]
    labels: tuple[str, ...]
    pixels: Pixels
    spec: InputSpec

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Each image's part in the run; of the validation images only those that choose are `validation`."""
        return _parts(self.images)

    def rows(self, *parts: Part) -> NDArray[np.int64]:
        """Where the images of these parts are, part after part."""
        places = [index for part in parts for index, found in enumerate(self.parts) if found == part]
        return np.asarray(places, dtype=np.int64)

    def targets(self, part: Part) -> NDArray[np.int64]:
        """Indices into `labels`."""
        return self.targets_at(self.rows(part))

    def targets_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray([self.labels.index(self.images[row].label) for row in rows], dtype=np.int64)

    def inputs(self, *parts: Part) -> ModelInputs:
        return self.inputs_at(self.rows(*parts))

    def inputs_at(self, rows: NDArray[np.int64]) -> ModelInputs:
        return ModelInputs(self.pixels, rows, self.spec)

    def counts(self) -> dict[Part, dict[str, int]]:
        return counts(self.images, self.labels)


def _parts(images: Sequence[TrainingImage]) -> tuple[Part, ...]:
    return parts_of((image.group, image.split) for image in images)


def counts(images: Sequence[TrainingImage], labels: Sequence[str]) -> dict[Part, dict[str, int]]:
    """How many images each part has of each label."""
    found = Counter(zip(_parts(images), (image.label for image in images), strict=True))
    return {part: {label: found[part, label] for label in labels} for part in PARTS}


def announce(folder: Path, images: Sequence[TrainingImage], problems: Sequence[Problem]) -> None:
    """Tell what was found and what was left out."""
    sizes = Counter(_parts(images))
    shares = ", ".join(f"{sizes[part]} {part.replace('_', ' ')}" for part in PARTS)
    logger.info("%s: %d images (%s)", folder, len(images), shares)
    if not sizes["calibration"]:
        logger.warning(
            "%d validation images are too few to choose the epoch and to calibrate, %d for each: the model "
            "will name no sets of labels and not tell other kinds of images.",
            sizes["validation"],
            FEWEST_TO_CALIBRATE,
        )
    for problem in problems[:_NAMED]:
        logger.warning("left out: %s: %s", problem.file, problem.reason)
    if len(problems) > _NAMED:
        logger.warning("... and %d more; all are listed in problems.csv", len(problems) - _NAMED)
