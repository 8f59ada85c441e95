"""What the gate asks of a model before it may be promoted, and what it found.

Every bound stands here and in docs/models.md; sensitivity floors stand with their specialty.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import Sha256

# With fewer images of a label than this the gate has no verdict: a sensitivity would move by more than
# five points with a single image.
LEAST_IMAGES_PER_LABEL = 20
# More are not looked at, so that an evaluation ends within a function's time-out.
MOST_IMAGES = 1500
# Of the balanced accuracy against the reference: its one-sided 95 % bound may not lie below this.
WORST_DIFFERENCE = -0.01
BOUND_QUANTILE = 0.05
RESAMPLES = 2000
SEED = 20261123
MOST_CALIBRATION_ERROR = 0.10
LEAST_IMAGES_PER_BIN = 30
MOST_BINS = 15
MOST_LATENCY_RATIO = 1.5


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HoldoutImage(_Part):
    """One image that no model was ever trained on.

    Attributes:
        group: what belongs together (a patient, a lesion): resampled as one.
    """

    bucket: Literal["learning", "images"]
    key: str
    object_version: str | None = None
    sha256: Sha256
    label: str
    group: str


class Outcome(StrEnum):
    """Of one check. `not_judged`: there is nothing to compare with."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not_judged"


class GateVerdict(StrEnum):
    PASSED = "passed"
    REFUSED = "refused"
    NOT_EVALUABLE = "not_evaluable"


class Check(_Part):
    """One figure against its bound.

    Attributes:
        name: `balanced_accuracy`, `sensitivity.<label>`, `calibration` or `latency`.
        value: the figure that is judged; None where it could not be found.
        bound: what it was held against.
    """

    name: str
    value: float | None
    bound: float
    outcome: Outcome
    message: str


class Reference(_Part):
    """What the model was compared with: the one in production, or the baseline where there is none."""

    kind: Literal["production", "baseline"]
    version: str
    sha256: Sha256


class LabelFigures(_Part):
    """One label of the specialty on the holdout; sensitivities 0..1, None without images."""

    images: int
    sensitivity: float | None
    reference_sensitivity: float | None


class GateReport(_Part):
    """Everything that the gate measured, and its verdict.

    Attributes:
        images: holdout images that were looked at, of `available`.
        missing: of those chosen, how many are gone from their bucket.
        holdout_sha256: digest of the digests of the images looked at, in order: the same again if
            nothing changed.
        difference: balanced accuracy minus that of the reference; `difference_bound` its one-sided
            95 % lower bound.
        calibration_error: expected calibration error on bins of equal size, 0..1.
        latency_ms: median of preprocessing, run and reading, interleaved with the reference.
        failures: images that the model gave no answer to; each counts as a wrong one.
        reasons: why there is no verdict, or why the model is refused, in words.
    """

    verdict: GateVerdict
    reasons: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    reference: Reference | None = None
    images: int = 0
    available: int = 0
    missing: int = 0
    failures: int = 0
    holdout_sha256: Sha256 | None = None
    labels: dict[str, LabelFigures] = Field(default_factory=dict)
    balanced_accuracy: float | None = None
    reference_balanced_accuracy: float | None = None
    difference: float | None = None
    difference_bound: float | None = None
    calibration_error: float | None = None
    latency_ms: float | None = None
    reference_latency_ms: float | None = None
    seed: int = SEED
    resamples: int = RESAMPLES
    evaluated_at: datetime


def too_few(images: Iterable[HoldoutImage], labels: Sequence[str]) -> dict[str, int]:
    """Labels of which the holdout has fewer images than the gate needs, with how many it has."""
    counts = dict.fromkeys(labels, 0)
    for image in images:
        if image.label in counts:
            counts[image.label] += 1
    return {label: count for label, count in counts.items() if count < LEAST_IMAGES_PER_LABEL}


def sample(
    images: Iterable[HoldoutImage], labels: Sequence[str], most: int = MOST_IMAGES
) -> list[HoldoutImage]:
    """At most `most` images, as many of each label, always the same ones.

    Of each label those whose digests come first: a digest is as good as a random number, and adding
    images elsewhere does not change the choice. Images of other labels, and copies, are left out.
    """
    by_label: dict[str, dict[str, HoldoutImage]] = {label: {} for label in labels}
    for image in images:
        if image.label in by_label:
            by_label[image.label].setdefault(image.sha256, image)
    chosen: list[HoldoutImage] = []
    waiting = sorted(by_label.values(), key=len)
    for done, found in enumerate(waiting):
        share = (most - len(chosen)) // (len(waiting) - done)
        chosen += sorted(found.values(), key=lambda image: image.sha256)[:share]
    return sorted(chosen, key=lambda image: image.sha256)
