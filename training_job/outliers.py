"""How far an image is from what a network was trained on, told from the network's own features.

The mean of the feature map is compared with the training images': by Mahalanobis distance to the nearest
class, with one covariance for all classes (Lee et al., 2018), and by what lies outside the subspace that
training images span (Wang et al., 2022). Only a subspace of few dimensions is kept, so that the
statistics fit into a manifest.
"""

import base64
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from training_job.evaluate import Floats

FEWEST_IMAGES = 30
_COMPONENTS = 8
_SHRINKAGE = 0.1
_QUANTILE = 0.99


class OutlierStatistics(BaseModel):
    """`abstain.ood` of a manifest. Arrays are base64 of little-endian float16, row by row.

    With f the mean of the feature map over rows and columns, z = basis (f - centre), r the squared length
    of f - centre - basis' z: the distance is min over classes c of (z - c)' precision (z - c), plus
    len(z) * r / residual. An image beyond `threshold` is unlike the training images.

    Attributes:
        basis: (components, channels), orthonormal.
        centre: (channels,).
        classes: mean z of each label, (labels with training images, components).
        precision: inverse of the shrunk covariance of z within classes.
        residual: mean r of training images.
        quantile: share of validation images (training images without any) within the threshold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["subspace-mahalanobis"] = "subspace-mahalanobis"
    components: int = Field(ge=1)
    channels: int = Field(ge=1)
    basis: str
    centre: str
    classes: list[list[float]]
    precision: list[list[float]]
    residual: float = Field(gt=0)
    threshold: float = Field(ge=0)
    quantile: float = _QUANTILE

    def distances(self, features: Floats) -> NDArray[np.float64]:
        """Of mean features (images, channels)."""
        basis = _decoded(self.basis, (self.components, self.channels))
        shifted = np.asarray(features, np.float64) - _decoded(self.centre, (self.channels,))
        inside = shifted @ basis.T
        outside = ((shifted - inside @ basis) ** 2).sum(axis=1)
        steps = inside[:, None] - np.asarray(self.classes)
        within = np.einsum("icj,jk,ick->ic", steps, np.asarray(self.precision), steps).min(axis=1)
        return np.asarray(within + self.components * outside / self.residual)

    def flagged(self, features: Floats) -> NDArray[np.bool_]:
        """Which of the images are unlike the training images."""
        return np.asarray(self.distances(features) > self.threshold)


def fit_outliers(
    training: Floats, targets: NDArray[np.int64], validation: Floats
) -> OutlierStatistics | None:
    """Statistics of mean features (images, channels); None of fewer than `FEWEST_IMAGES` training images."""
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
    found = OutlierStatistics(
        components=len(basis),
        channels=len(centre),
        basis=_encoded(basis),
        centre=_encoded(centre),
        classes=_plain(classes),
        precision=_plain(precision),
        residual=max(float(((shifted - inside @ basis) ** 2).sum(axis=1).mean()), 1e-12),
        threshold=0.0,
    )
    usual = found.distances(validation if len(validation) else training)
    return found.model_copy(update={"threshold": round(float(np.quantile(usual, _QUANTILE)), 4)})


def _plain(matrix: NDArray[np.float64]) -> list[list[float]]:
    """Seven significant digits are more than float16 inputs deserve."""
    return [[float(f"{value:.7g}") for value in row] for row in matrix]


def _rounded(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """As it will be read again."""
    return array.astype("<f2").astype(np.float64)


def _encoded(array: NDArray[np.float64]) -> str:
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def _decoded(text: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), "<f2").reshape(shape).astype(np.float64)
