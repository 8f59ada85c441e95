"""Sets of labels that hold the true one as often as promised: split conformal prediction.

Vovk, Gammerman & Shafer (2005), with the score of Sadinle, Lei & Wasserman (2019): one minus the
calibrated probability of the true label.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training_job.measures import Rate, wilson

_STEPS = 1_000_000


class ConformalMeasures(BaseModel):
    """How the sets do on images that nothing was chosen by.

    Attributes:
        promised: share of the sets that should hold the true label.
        quantile: labels of probability at least 1 - quantile are in the set.
        coverage: share of the sets that do.
        mean_size: labels in a set.
        sizes: how many sets have 0, 1, 2, ... labels.
    """

    model_config = ConfigDict(frozen=True)

    promised: float
    quantile: float
    coverage: Rate
    mean_size: float
    sizes: list[int]


def conformal_quantile(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], coverage: float
) -> float:
    """The least quantile that keeps the promise, rounded up; 1 (all labels) if the images are too few for it.

    Args:
        probabilities: calibrated, of validation images, (images, labels).
    """
    scores = np.sort(1 - probabilities[np.arange(len(targets)), targets])
    rank = math.ceil((len(scores) + 1) * coverage)
    if rank > len(scores):
        return 1.0
    steps = math.ceil(float(scores[rank - 1]) * _STEPS + 1e-6)
    return min(1.0, steps / _STEPS)


def label_sets(probabilities: NDArray[np.float64], quantile: float) -> NDArray[np.bool_]:
    """Whether each label is in the set of each image, (images, labels)."""
    return np.asarray(probabilities >= 1 - quantile)


def measure_sets(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], quantile: float, promised: float
) -> ConformalMeasures | None:
    """The sets of held-out images; None of no images."""
    sets = label_sets(probabilities, quantile)
    covered = wilson(int(sets[np.arange(len(targets)), targets].sum()), len(targets))
    if covered is None:
        return None
    sizes = sets.sum(axis=1)
    return ConformalMeasures(
        promised=promised,
        quantile=quantile,
        coverage=covered,
        mean_size=round(float(sizes.mean()), 4),
        sizes=np.bincount(sizes, minlength=probabilities.shape[1] + 1).tolist(),
    )
