"""Two models on the same images, in figures.

Balanced accuracy is the mean sensitivity of the labels, so it does not mind how many images of each
label were looked at. The bootstrap (Efron, 1979) is paired, since both models saw the same images, and
resamples groups rather than images: two photos of one lesion say less than photos of two.
"""

from typing import TYPE_CHECKING

import numpy as np

from triagelens.domain.gate import (
    BOUND_QUANTILE,
    LEAST_IMAGES_PER_BIN,
    MOST_BINS,
    RESAMPLES,
    SEED,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES_AT_ONCE = 250  # keeps the table of counts small whatever the number of groups


def sensitivities(
    truth: "NDArray[np.int64]", right: "NDArray[np.bool_]", labels: int
) -> "NDArray[np.float64]":
    """Share of each label's images that were answered right, (labels,); NaN without images.

    Args:
        truth: each image's label, (images,), 0 to labels - 1.
        right: whether it was answered right, (images,).
    """
    totals = np.bincount(truth, minlength=labels)
    hits = np.bincount(truth, weights=right, minlength=labels)
    with np.errstate(invalid="ignore"):
        result: NDArray[np.float64] = hits / totals
    return result


def lower_bound_of_difference(
    truth: "NDArray[np.int64]",
    groups: "NDArray[np.int64]",
    right: "NDArray[np.bool_]",
    reference_right: "NDArray[np.bool_]",
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> float:
    """One-sided 95 % lower bound of the balanced accuracy minus that of the reference.

    A label that a resample happens to hold no image of does not count in that resample.

    Args:
        truth, right, reference_right: by image, as in `sensitivities`.
        groups: which images are resampled together, (images,), 0 to groups - 1.
    """
    labels, count = int(truth.max()) + 1, int(groups.max()) + 1
    totals, gains = np.zeros((count, labels)), np.zeros((count, labels))
    np.add.at(totals, (groups, truth), 1)
    np.add.at(gains, (groups, truth), right.astype(np.int64) - reference_right.astype(np.int64))
    random = np.random.default_rng(seed)
    found = []
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        drawn = random.multinomial(
            count, np.full(count, 1 / count), size=min(_RESAMPLES_AT_ONCE, resamples - start)
        )
        with np.errstate(invalid="ignore"):
            found.append(np.nanmean((drawn @ gains) / (drawn @ totals), axis=1))
    return float(np.quantile(np.concatenate(found), BOUND_QUANTILE))


def calibration_error(
    confidence: "NDArray[np.float64]", right: "NDArray[np.bool_]", weights: "NDArray[np.float64]"
) -> float:
    """Expected calibration error (Naeini et al., 2015), 0..1, on bins that hold equally many images.

    Bins hold 30 images or more, at most 15 of them: on fewer images a bin's own chance would be
    taken for a fault of the model.

    Args:
        confidence: probability of the answered label, (images,).
        weights: how many images each stands for, (images,).
    """
    bins = min(MOST_BINS, max(1, len(confidence) // LEAST_IMAGES_PER_BIN))
    error = 0.0
    for members in np.array_split(np.argsort(confidence, kind="stable"), bins):
        gap = np.average(confidence[members] - right[members], weights=weights[members])
        error += abs(float(gap)) * float(weights[members].sum())
    return error / float(weights.sum())
