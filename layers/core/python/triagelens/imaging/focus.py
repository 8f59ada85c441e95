"""Is the image sharp? The variance of its Laplacian against a threshold.

The score is the variance of the 4-neighbour Laplacian of the grey working image (Pech-Pacheco et al.,
2000). Two things would fool it: its scale, hence always the working image (`decode`), and sensor
noise, whose Laplacian has a variance of 20 sigma^2 without any subject. The score stays as defined;
instead the bar is raised by what the noise found in the image would score by itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from triagelens.domain.quality import Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE_GAIN = 20.0  # 4^2 + 4 x 1^2: sum of the squares of the Laplacian's weights
# More than this is taken for texture: the estimate cannot tell dense fine texture from noise.
MOST_NOISE = 4.0

_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MEDIAN_TO_SIGMA = 1 / (0.6745 * 6.0)  # of a normal distribution; 6 = root of the squared weights' sum


@dataclass(frozen=True, slots=True)
class Focus:
    """Attributes: score and threshold in grey levels squared, noise in grey levels."""

    score: float
    noise: float
    threshold: float

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the image is too blurred, if it is."""
        if self.score >= self.threshold:
            return ()
        return (
            Reason(
                code="blurred",
                message="The image is not sharp. Hold the camera still, let it focus, and take it again.",
                value=self.score,
                threshold=self.threshold,
            ),
        )


def measure_focus(grey: "NDArray[np.uint8]", threshold: float) -> Focus:
    """Focus of a grey working image (rows, columns).

    Args:
        threshold: the least score of a noise-free image, grey levels squared.
    """
    noise = noise_level(grey)
    return Focus(
        score=focus_score(grey), noise=noise, threshold=threshold + NOISE_GAIN * min(noise, MOST_NOISE) ** 2
    )


def focus_score(grey: "NDArray[np.uint8]") -> float:
    """Variance of the Laplacian, grey levels squared."""
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


def noise_level(grey: "NDArray[np.uint8]") -> float:
    """Standard deviation of the noise, grey levels.

    After Immerkaer (1996): a mask that is blind to edges and slopes. The median of its answers, not
    their mean, so that texture in a part of the image does not count as noise.
    """
    answers = cv2.filter2D(grey, cv2.CV_16S, _NOISE_MASK)
    return float(np.median(np.abs(answers[::4, ::4]))) * _MEDIAN_TO_SIGMA
