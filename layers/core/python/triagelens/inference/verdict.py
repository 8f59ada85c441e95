"""From two models' answers to the gate's figures, and from those to its verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from triagelens.domain.gate import (
    MOST_CALIBRATION_ERROR,
    MOST_LATENCY_RATIO,
    WORST_DIFFERENCE,
    Check,
    GateReport,
    GateVerdict,
    HoldoutImage,
    LabelFigures,
    Outcome,
    Reference,
)
from triagelens.inference.comparison import calibration_error, lower_bound_of_difference, sensitivities

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from triagelens.domain.specialties import Specialty

_DIGITS = 4


@dataclass(frozen=True)
class Compared:
    """What one model said of one image, and how long it took. `label` None: no answer."""

    label: str | None
    confidence: float
    milliseconds: float


@dataclass(frozen=True)
class Answer:
    """What both said of one image."""

    image: HoldoutImage
    own: Compared
    other: Compared


def judge(
    answers: Sequence[Answer],
    of_each: Mapping[str, int],
    specialty: "Specialty",
    reference: Reference | None,
    at: "datetime",
) -> GateReport:
    """Figures and verdict.

    Args:
        answers: at least one of each label of the specialty.
        of_each: images that the holdout has of each label; those looked at stand for them all.
        reference: whose the other answers are; None: nobody's.
    """
    found = _measure(answers, of_each, specialty, reference, at)
    checks = tuple(_checks(found, specialty))
    reasons = tuple(check.message for check in checks if check.outcome is Outcome.FAILED)
    verdict = GateVerdict.REFUSED if reasons else GateVerdict.PASSED
    return found.model_copy(update={"checks": checks, "reasons": reasons, "verdict": verdict})


def _measure(
    answers: Sequence[Answer],
    of_each: Mapping[str, int],
    specialty: "Specialty",
    reference: Reference | None,
    at: "datetime",
) -> GateReport:
    labels = specialty.label_names
    truth = np.array([labels.index(answer.image.label) for answer in answers])
    right = np.array([answer.own.label == answer.image.label for answer in answers])
    other_right = np.array([answer.other.label == answer.image.label for answer in answers])
    by_label = sensitivities(truth, right, len(labels))
    looked_at = np.bincount(truth, minlength=len(labels))
    weights = np.array([of_each[label] for label in labels])[truth] / looked_at[truth]
    confidence = np.array([answer.own.confidence for answer in answers])
    report = GateReport(
        verdict=GateVerdict.NOT_EVALUABLE,
        images=len(answers),
        failures=sum(answer.own.label is None for answer in answers),
        balanced_accuracy=_rounded(by_label.mean()),
        calibration_error=_rounded(calibration_error(confidence, right, weights)),
        latency_ms=_rounded(np.median([answer.own.milliseconds for answer in answers])),
        evaluated_at=at,
    )
    other_by_label = sensitivities(truth, other_right, len(labels))
    figures = {
        label: LabelFigures(
            images=int(looked_at[index]),
            sensitivity=_rounded(by_label[index]),
            reference_sensitivity=_rounded(other_by_label[index]) if reference else None,
        )
        for index, label in enumerate(labels)
    }
    report = report.model_copy(update={"labels": figures})
    if reference is None:
        return report
    bound = lower_bound_of_difference(truth, _groups(answers), right, other_right)
    return report.model_copy(
        update={
            "reference": reference,
            "reference_balanced_accuracy": _rounded(other_by_label.mean()),
            "reference_latency_ms": _rounded(np.median([answer.other.milliseconds for answer in answers])),
            "difference": _rounded(by_label.mean() - other_by_label.mean()),
            "difference_bound": _rounded(bound),
        }
    )


def _checks(found: GateReport, specialty: "Specialty") -> Iterator[Check]:
    yield _difference_check(found)
    for label, floor in specialty.sensitivity_floors.items():
        value = found.labels[label].sensitivity or 0.0
        yield Check(
            name=f"sensitivity.{label}",
            value=value,
            bound=floor,
            outcome=_outcome(value >= floor),
            message=f"Sensitivity for {label} is {value:.3f}; the floor is {floor:.3f}.",
        )
    error = found.calibration_error or 0.0
    yield Check(
        name="calibration",
        value=error,
        bound=MOST_CALIBRATION_ERROR,
        outcome=_outcome(error <= MOST_CALIBRATION_ERROR),
        message=f"The calibration error is {error:.3f}; at most {MOST_CALIBRATION_ERROR:.3f} is allowed.",
    )
    yield _latency_check(found)


def _difference_check(found: GateReport) -> Check:
    bound = found.difference_bound
    if bound is None or found.reference is None or found.difference is None:
        message = "There is no model to compare the balanced accuracy with."
        outcome = Outcome.NOT_JUDGED
    else:
        message = (
            f"Balanced accuracy differs by {found.difference:+.3f} from {found.reference.kind} "
            f"{found.reference.version}, with a lower bound of {bound:+.3f}; "
            f"{WORST_DIFFERENCE:+.3f} is allowed."
        )
        outcome = _outcome(bound >= WORST_DIFFERENCE)
    return Check(
        name="balanced_accuracy", value=bound, bound=WORST_DIFFERENCE, outcome=outcome, message=message
    )


def _latency_check(found: GateReport) -> Check:
    """Against production only: a baseline is many times smaller than any model for patients."""
    own, other = found.latency_ms, found.reference_latency_ms
    ratio = None if not own or not other else _rounded(own / other)
    if ratio is None or found.reference is None or found.reference.kind == "baseline":
        outcome, message = Outcome.NOT_JUDGED, "There is no model in production to compare the latency with."
    else:
        outcome = _outcome(ratio <= MOST_LATENCY_RATIO)
        message = (
            f"An answer takes {own:.1f} ms, {ratio:.2f} times as long as production's; "
            f"{MOST_LATENCY_RATIO:.2f} times is allowed."
        )
    return Check(name="latency", value=ratio, bound=MOST_LATENCY_RATIO, outcome=outcome, message=message)


def _groups(answers: Sequence[Answer]) -> "NDArray[np.int64]":
    _, numbers = np.unique([answer.image.group for answer in answers], return_inverse=True)
    return numbers.astype(np.int64)


def _outcome(passed: bool) -> Outcome:
    return Outcome.PASSED if passed else Outcome.FAILED


def _rounded(value: "float | np.floating") -> float:
    return round(float(value), _DIGITS)
