"""How far an image is from what a network was trained on, told from the network's own features.

The mean of a feature map is compared with the training images': by Mahalanobis distance to the nearest
class, with one covariance for all classes (Lee et al., 2018), and by what lies outside the subspace that
training images span (Wang et al., 2022). `OutlierSpec` has the formula; `training_job.outliers` fits it.
"""

import base64
import math
from typing import TYPE_CHECKING

import numpy as np

from triagelens.domain.errors import ModelError
from triagelens.inference.reading import ModelOutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from triagelens.domain.manifest import OutlierSpec


_ROUNDING = 1e-6  # of the largest eigenvalue: seven digits of each entry are kept


class OutlierMeasure:
    """The statistics of a manifest, unpacked once.

    Raises:
        ModelError: `precision` is no inverse of a covariance: some way off would count as near.
    """

    def __init__(self, spec: "OutlierSpec") -> None:
        self.channels = spec.channels
        self.threshold = spec.threshold
        self._basis = decoded(spec.basis, (spec.components, spec.channels))
        self._centre = decoded(spec.centre, (spec.channels,))
        self._classes = np.asarray(spec.classes)
        self._precision = np.asarray(spec.precision)
        self._weight = spec.components / spec.residual
        spread = np.linalg.eigvalsh(self._precision / 2 + self._precision.T / 2)
        if spread[-1] <= 0 or spread[0] < -_ROUNDING * spread[-1]:
            raise ModelError("abstain.ood.precision must be positive definite, as inverse covariances are.")

    def distances(self, features: "NDArray[np.floating]") -> "NDArray[np.float64]":
        """Of mean features (images, channels)."""
        # By BLAS, which takes one thread for one image's few products (measured up to 8192 channels): none is
        # left busy into the next run of the network.
        shifted = features.astype(np.float64) - self._centre
        inside = shifted @ self._basis.T
        outside = ((shifted - inside @ self._basis) ** 2).sum(axis=1)
        steps = inside[:, None] - self._classes
        within = ((steps @ self._precision) * steps).sum(axis=2).min(axis=1)
        return np.asarray(within + self._weight * outside)

    def distance(self, summary: "NDArray[np.floating]") -> float:
        """Of one image's features: (channels,), or a map (channels, rows, columns).

        Raises:
            ModelOutputError: the numbers went out of bounds; there is no telling what the image is like.
        """
        means = summary if summary.ndim == 1 else summary.mean(axis=(1, 2), dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            found = float(self.distances(means[None])[0])
        if not math.isfinite(found):
            raise ModelOutputError(
                "output_not_finite", "The distance from the training images is not finite."
            )
        return max(0.0, found)  # under 0 by rounding alone

    def flagged(self, features: "NDArray[np.floating]") -> "NDArray[np.bool_]":
        """Which of the images are unlike the training images."""
        return np.asarray(self.distances(features) > self.threshold)


def encoded(array: "NDArray[np.floating]") -> str:
    """Base64 of little-endian float16, row by row."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode()


def decoded(text: str, shape: tuple[int, ...]) -> "NDArray[np.float64]":
    """What `encoded` made, in this shape."""
    return np.frombuffer(base64.b64decode(text), "<f2").reshape(shape).astype(np.float64)
