"""How good a model is, label by label, with the uncertainty that so few images leave."""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training_job.evaluate import Floats, expected_calibration_error, softmax

_Z95 = 1.959964  # of a two-sided 95 % interval


class Rate(BaseModel):
    """A share of images with its 95 % confidence interval (Wilson, 1927)."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    images: int


class LabelMeasures(BaseModel):
    """Of one label; None where no image could show it."""

    model_config = ConfigDict(frozen=True)

    sensitivity: Rate | None
    specificity: Rate | None


class Measures(BaseModel):
    """On one set of images.

    Attributes:
        balanced_accuracy: mean sensitivity of the labels that have images.
        ece_before, ece_after: expected calibration error without and with temperature scaling.
        confusion: images by true label (rows) and predicted label (columns).
        labels: by name, in the order of `confusion`.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    balanced_accuracy: float
    accuracy: float
    ece_before: float
    ece_after: float
    confusion: list[list[int]]
    labels: dict[str, LabelMeasures]


def wilson(hits: int, images: int) -> Rate | None:
    """`hits` of `images` as a rate; None of no images."""
    if not images:
        return None
    share, z = hits / images, _Z95
    centre = share + z * z / (2 * images)
    reach = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images))
    bounds = [(centre + sign * reach) / (1 + z * z / images) for sign in (-1, 1)]
    low, high = (round(min(1.0, max(0.0, bound)), 4) for bound in bounds)
    return Rate(value=round(share, 4), low=low, high=high, images=images)


def measure(
    logits: Floats, targets: NDArray[np.int64], labels: tuple[str, ...], temperature: float
) -> Measures:
    """Everything about predictions (images, labels) on at least one image."""
    probabilities = softmax(logits, temperature)
    predicted = probabilities.argmax(axis=1)
    count = len(labels)
    confusion = np.bincount(targets * count + predicted, minlength=count * count).reshape(count, count)
    by_label = {name: _of_label(confusion, index) for index, name in enumerate(labels)}
    hits, totals = confusion.diagonal(), confusion.sum(axis=1)
    return Measures(
        images=len(targets),
        balanced_accuracy=round(float((hits[totals > 0] / totals[totals > 0]).mean()), 4),
        accuracy=round(float(hits.sum() / len(targets)), 4),
        ece_before=round(expected_calibration_error(softmax(logits), targets), 4),
        ece_after=round(expected_calibration_error(probabilities, targets), 4),
        confusion=confusion.tolist(),
        labels=by_label,
    )


def _of_label(confusion: NDArray[np.int64], index: int) -> LabelMeasures:
    hits, positives = int(confusion[index, index]), int(confusion[index].sum())
    false_alarms = int(confusion[:, index].sum()) - hits
    negatives = int(confusion.sum()) - positives
    return LabelMeasures(
        sensitivity=wilson(hits, positives), specificity=wilson(negatives - false_alarms, negatives)
    )


def for_manifest(found: Measures) -> dict[str, float]:
    """The figures that go into a manifest; a label without images has none."""
    figures = {
        "balanced_accuracy": found.balanced_accuracy,
        "accuracy": found.accuracy,
        "ece": found.ece_after,
        "held_out_images": float(found.images),
    }
    for name, label in found.labels.items():
        if label.sensitivity is not None:
            figures[f"sensitivity_{name}"] = label.sensitivity.value
    return figures
