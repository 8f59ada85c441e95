"""Temperature scaling (Guo et al., 2017): one number that makes probabilities mean what they say."""

import numpy as np
from numpy.typing import NDArray

from training_job.evaluate import Floats, expected_calibration_error, softmax

_BOUNDS = (0.05, 20.0)
_ROUNDS = 60


def smoothed_targets(targets: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """Target probabilities (images, labels) with one imagined image more per label, spread over all labels.

    Without it, images that a model separates perfectly would call for ever more confidence. The idea is
    Platt's (1999), for any number of labels.
    """
    count = np.bincount(targets, minlength=labels)[targets][:, None]
    return np.asarray((count * np.eye(labels)[targets] + 1 / labels) / (count + 1))


def cross_entropy(logits: Floats, goal: NDArray[np.float64], temperature: float) -> float:
    """Mean over the images, in nats, against target probabilities (images, labels)."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    logarithms = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return float(-(goal * logarithms).sum(axis=1).mean())


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature that makes the model's probabilities on these images more honest; else 1.

    A temperature that makes the cross-entropy or the calibration error worse than they were is no
    calibration: images that a model separates perfectly would have their confidence lowered to what so few
    of them can prove.

    Args:
        logits: of validation images, (images, labels); never those that metrics are reported on.
    """
    found = _least_cross_entropy(logits, targets)
    return found if _is_no_worse(found, logits, targets) else 1.0


def _is_no_worse(temperature: float, logits: Floats, targets: NDArray[np.int64]) -> bool:
    truth = np.eye(logits.shape[1])[targets]
    if cross_entropy(logits, truth, temperature) > cross_entropy(logits, truth, 1.0):
        return False
    before, after = (expected_calibration_error(softmax(logits, t), targets) for t in (1.0, temperature))
    return after <= before


def _least_cross_entropy(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature in 0.05..20 of the least cross-entropy, by golden-section search."""
    goal = smoothed_targets(targets, logits.shape[1])
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(_BOUNDS)
    for _ in range(_ROUNDS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cross_entropy(logits, goal, float(np.exp(left))) <= cross_entropy(
            logits, goal, float(np.exp(right))
        ):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)
