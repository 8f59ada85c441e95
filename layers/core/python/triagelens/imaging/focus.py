"""Is the image sharp? The variance of its Laplacian, with and without noise, against one threshold.

The focus score is the variance of the 4-neighbour Laplacian of the grey working image (Pech-Pacheco
et al., 2000), always at the scale of the working image (`decode`). Sensor noise of deviation s alone
scores 20 s^2, so a grainy image would pass however blurred. Hence the detail score: the same measure
after a light binomial smoothing, which divides the share of white noise by about 240 but that of
detail at the edge of sharpness by about `DETAIL_GAIN`, by which it is multiplied to be read on
the same scale. An image is sharp if both reach the threshold of its specialty. docs/quality.md has
the calibration.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from triagelens.domain.quality import Reason

if TYPE_CHECKING:
    from cv2.typing import MatLike
    from numpy.typing import NDArray

DETAIL_GAIN = 4.0

_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # a Gaussian of one pixel


@dataclass(frozen=True, slots=True)
class Focus:
    """Both scores in grey levels squared; see the module."""

    score: float
    detail: float

    def reasons(self, threshold: float) -> tuple[Reason, ...]:
        """Why the image is too blurred, if it is."""
        if self.score < threshold:
            return (
                Reason(
                    code="blurred",
                    message="The image is not sharp. Hold the camera still, let it focus, take it again.",
                    value=self.score,
                    threshold=threshold,
                ),
            )
        if self.detail < threshold:
            return (
                Reason(
                    code="blurred",
                    message="The image shows hardly any detail beyond noise. Use more light, let the camera "
                    "focus, take it again.",
                    value=self.detail,
                    threshold=threshold,
                ),
            )
        return ()


def measure_focus(grey: "NDArray[np.uint8]") -> Focus:
    """Focus of a grey working image (rows, columns)."""
    laplacian = cv2.Laplacian(grey, cv2.CV_16S)
    # Smoothing and Laplacian commute; done in this order nothing is rounded to 8 bits in between.
    smoothed = cv2.sepFilter2D(laplacian, cv2.CV_32F, _BINOMIAL, _BINOMIAL)
    return Focus(score=_variance(laplacian), detail=DETAIL_GAIN * _variance(smoothed))


def _variance(values: "MatLike") -> float:
    """Mean square less squared mean; ten times faster than `cv2.meanStdDev` and as exact here (doubles)."""
    return cv2.norm(values, cv2.NORM_L2SQR) / values.size - cv2.mean(values)[0] ** 2
