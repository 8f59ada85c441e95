"""Temperature scaling (Guo et al., 2017): one number that makes probabilities mean what they say."""

import numpy as np
from numpy.typing import NDArray

from training_job.evaluate import Floats, softmax

_BOUNDS = (0.05, 20.0)
_ROUNDS = 60


def negative_log_likelihood(logits: Floats, targets: NDArray[np.int64], temperature: float) -> float:
    """Mean over the images, in nats."""
    chosen = softmax(logits, temperature)[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature in 0.05..20 with the least negative log-likelihood, by golden-section search.

    Args:
        logits: of validation images, (images, labels); never those that metrics are reported on.
    """
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(_BOUNDS)
    for _ in range(_ROUNDS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if negative_log_likelihood(logits, targets, float(np.exp(left))) <= negative_log_likelihood(
            logits, targets, float(np.exp(right))
        ):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)
