"""Fits what tells images of another kind from those that a network was trained on.

`triagelens.inference.outliers` has the method and its sources. Only a subspace of few dimensions is kept, so
that the statistics fit into a manifest.
"""

import numpy as np
from numpy.typing import NDArray

from training_job.evaluate import Floats
from triagelens.domain.manifest import OutlierSpec
from triagelens.inference.outliers import OutlierMeasure, encoded

FEWEST_IMAGES = 30
_COMPONENTS = 8
_SHRINKAGE = 0.1
_QUANTILE = 0.99


def fit_outliers(
    training: Floats, targets: NDArray[np.int64], validation: Floats, output: str | None = None
) -> OutlierSpec | None:
    """Statistics of summaries (images, channels); None of fewer than `FEWEST_IMAGES` training images.

    Args:
        output: of the graph, that the summaries are made of.
    """
    if len(training) < FEWEST_IMAGES:
        return None
    features = np.asarray(training, np.float64)
    centre = _rounded(features.mean(axis=0))
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
        quantile=_QUANTILE,
    )
    usual = OutlierMeasure(found).distances(validation if len(validation) else training)
    return found.model_copy(update={"threshold": round(float(np.quantile(usual, _QUANTILE)), 4)})


def _plain(matrix: NDArray[np.float64]) -> list[list[float]]:
    """Seven significant digits are more than float16 inputs deserve."""
    return [[float(f"{value:.7g}") for value in row] for row in matrix]


def _rounded(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """As it will be read again."""
    return array.astype("<f2").astype(np.float64)
