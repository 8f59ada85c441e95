"""Fits what tells images of another kind from those that a network was trained on.

`triagelens.inference.outliers` has the method and its sources. Only a subspace of few dimensions is kept, so
that the statistics fit into a manifest.
"""

import logging
import math

import numpy as np
from numpy.typing import NDArray

from training_job.evaluate import Floats
from triagelens.domain.manifest import OutlierSpec
from triagelens.inference.outliers import OutlierMeasure, encoded

logger = logging.getLogger(__name__)

FEWEST_IMAGES = 30
"""Of training."""
FEWEST_HELD_OUT = 19
"""With fewer, more than one in twenty of the images that it knows would have to be called of another kind."""
_COMPONENTS = 16
_SHRINKAGE = 0.1
_QUANTILE = 0.99
_STEPS = 10_000


def fit_outliers(
    training: Floats, targets: NDArray[np.int64], held_out: Floats, output: str | None = None
) -> OutlierSpec | None:
    """Statistics of summaries (images, channels), with the threshold that the held-out ones call for.

    None of fewer than `FEWEST_IMAGES` training images or `FEWEST_HELD_OUT` others, and of summaries that
    float16 cannot hold.

    Args:
        held_out: of images that neither trained the network nor chose it.
        output: of the graph, that the summaries are made of.
    """
    if len(training) < FEWEST_IMAGES or len(held_out) < FEWEST_HELD_OUT:
        return None
    features = np.asarray(training, np.float64)
    with np.errstate(over="ignore"):
        centre = _rounded(features.mean(axis=0))
    if not (np.isfinite(centre).all() and np.isfinite(features).all() and np.isfinite(held_out).all()):
        logger.warning("Summaries go beyond float16: the model will not tell other kinds of images.")
        return None
    shifted = features - centre
    directions = np.linalg.svd(shifted, full_matrices=False)[2][: min(_COMPONENTS, features.shape[1] - 1)]
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    basis = _rounded(directions * signs[:, None])
    inside = shifted @ basis.T
    classes = np.stack([inside[targets == label].mean(axis=0) for label in np.unique(targets)])
    within = inside - classes[np.searchsorted(np.unique(targets), targets)]
    covariance = within.T @ within / len(within)
    spherical = np.eye(len(basis)) * max(np.trace(covariance) / len(basis), 1e-12)
    precision = np.linalg.inv((1 - _SHRINKAGE) * covariance + _SHRINKAGE * spherical)
    found = OutlierSpec(
        output=output,
        components=len(basis),
        channels=len(centre),
        basis=encoded(basis),
        centre=encoded(centre),
        classes=_plain(classes),
        precision=_plain(precision),
        residual=max(float(((shifted - inside @ basis) ** 2).sum(axis=1).mean()), 1e-12),
        threshold=0.0,
    )
    threshold, reached = threshold_of(OutlierMeasure(found).distances(held_out))
    return found.model_copy(update={"threshold": threshold, "quantile": reached})


def threshold_of(distances: NDArray[np.float64]) -> tuple[float, float]:
    """The least threshold that 99 % of further images lie within, and the share that do at least.

    Of n images and one more of the same kind, the new one is as likely to be in any place of their order:
    it is within the k-th least distance with a probability of k / (n + 1). Fewer than 99 images cannot
    reach 99 %: then it is the largest distance, and n / (n + 1).
    """
    images = len(distances)
    rank = min(images, math.ceil((images + 1) * _QUANTILE))
    least = float(np.sort(distances)[rank - 1])
    return math.ceil(least * _STEPS) / _STEPS, math.floor(rank / (images + 1) * _STEPS) / _STEPS


def _plain(matrix: NDArray[np.float64]) -> list[list[float]]:
    """Seven significant digits are more than float16 inputs deserve."""
    return [[float(f"{value:.7g}") for value in row] for row in matrix]


def _rounded(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """As it will be read again."""
    return array.astype("<f2").astype(np.float64)
