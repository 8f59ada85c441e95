"""What a run is trained and judged on: images, labels and pixels, set by set."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training_job.arrangement import Problem
from training_job.pixels import ModelInputs, Pixels
from training_job.working_images import TrainingImage
from triagelens.domain.manifest import InputSpec
from triagelens.domain.splits import SPLITS, Split

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

    def rows(self, *splits: Split) -> NDArray[np.int64]:
        """Where the images of these sets are, set after set."""
        places = [
            index for split in splits for index, image in enumerate(self.images) if image.split == split
        ]
        return np.asarray(places, dtype=np.int64)

    def targets(self, split: Split) -> NDArray[np.int64]:
        """Indices into `labels`."""
        return self.targets_at(self.rows(split))

    def targets_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray([self.labels.index(self.images[row].label) for row in rows], dtype=np.int64)

    def inputs(self, *splits: Split) -> ModelInputs:
        return self.inputs_at(self.rows(*splits))

    def inputs_at(self, rows: NDArray[np.int64]) -> ModelInputs:
        return ModelInputs(self.pixels, rows, self.spec)

    def counts(self) -> dict[Split, dict[str, int]]:
        return counts(self.images, self.labels)


def counts(images: Sequence[TrainingImage], labels: Sequence[str]) -> dict[Split, dict[str, int]]:
    """How many images each set has of each label."""
    found = Counter((image.split, image.label) for image in images)
    return {split: {label: found[split, label] for label in labels} for split in SPLITS}


def announce(folder: Path, images: Sequence[TrainingImage], problems: Sequence[Problem]) -> None:
    """Tell what was found and what was left out."""
    sets = Counter(image.split for image in images)
    shares = ", ".join(f"{sets[split]} {split.replace('_', ' ')}" for split in SPLITS)
    logger.info("%s: %d images (%s)", folder, len(images), shares)
    for problem in problems[:_NAMED]:
        logger.warning("left out: %s: %s", problem.file, problem.reason)
    if len(problems) > _NAMED:
        logger.warning("... and %d more; all are listed in problems.csv", len(problems) - _NAMED)
