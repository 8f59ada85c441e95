"""What the gate lets through, what it refuses, and when it has no verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from tests.fakes import START
from tests.holdout import FakeHoldout, Script, ScriptedModel, always_right, picture
from triagelens.domain.errors import ModelIntegrityError
from triagelens.domain.gate import (
    LEAST_IMAGES_PER_LABEL,
    GateReport,
    GateVerdict,
    Outcome,
    Reference,
)
from triagelens.domain.specialties import specialty
from triagelens.inference.gate import Gate, ReferenceModel
from triagelens.inference.verdict import Answer, Compared, judge

if TYPE_CHECKING:
    from triagelens.inference.session import LoadedModel

EYE = specialty("eye")
LABELS = EYE.label_names
SKIN = specialty("skin")
PRODUCTION = Reference(kind="production", version="1.0", sha256="c" * 64)
BASELINE = Reference(kind="baseline", version="0.1", sha256="d" * 64)


@dataclass
class World:
    """A gate on a holdout in memory."""

    holdout: FakeHoldout
    reference: Script | None = always_right
    kind: Reference = PRODUCTION
    labels: Sequence[str] = LABELS
    seconds: float = 0.0
    seconds_per_look: float = 0.0

    def evaluate(self, script: Script) -> GateReport:
        gate = Gate(self.holdout, self.holdout, self.compared, lambda: START, 60.0, self.tick)
        model = cast("LoadedModel", ScriptedModel(self.labels, script))
        return gate.evaluate(EYE, model)

    def compared(self, name: str) -> ReferenceModel | None:
        assert name == "eye"
        if self.reference is None:
            return None
        return ReferenceModel(cast("LoadedModel", ScriptedModel(self.labels, self.reference)), self.kind)

    def tick(self) -> float:
        self.seconds += self.seconds_per_look
        return self.seconds


def outcomes(report: GateReport) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in report.checks}


def wrong_on(*numbers: int, label: int = 1) -> Script:
    """Right but for these images of one label."""

    def script(true: int, number: int) -> tuple[int, float]:
        if true == label and number in numbers:
            return 1 - true, 0.6
        return true, 0.98

    return script


def test_a_model_as_good_as_production_passes_with_every_figure() -> None:
    report = World(FakeHoldout(LABELS, 40)).evaluate(always_right)
    assert report.verdict is GateVerdict.PASSED, report.reasons
    assert report.reasons == ()
    assert (report.images, report.available, report.missing, report.failures) == (80, 80, 0, 0)
    assert (report.balanced_accuracy, report.reference_balanced_accuracy) == (1.0, 1.0)
    assert (report.difference, report.difference_bound) == (0.0, 0.0)
    assert report.labels["cataract"].images == 40
    assert report.reference == PRODUCTION
    assert set(outcomes(report)) == {
        "balanced_accuracy",
        "sensitivity.cataract",
        "calibration",
        "latency",
    }


def test_a_worse_model_is_refused_with_the_bound_and_the_floor_in_words() -> None:
    report = World(FakeHoldout(LABELS, 40)).evaluate(wrong_on(*range(20)))
    assert report.verdict is GateVerdict.REFUSED
    assert outcomes(report)["balanced_accuracy"] is Outcome.FAILED
    assert outcomes(report)["sensitivity.cataract"] is Outcome.FAILED
    assert report.labels["cataract"].sensitivity == 0.5
    assert report.difference == -0.25
    assert report.difference_bound is not None
    assert report.difference_bound < -0.25
    assert any("cataract is 0.500" in reason for reason in report.reasons)


def test_a_better_model_than_a_bad_one_in_production_still_has_to_reach_the_floor() -> None:
    world = World(FakeHoldout(LABELS, 40), reference=wrong_on(*range(30)))
    report = world.evaluate(wrong_on(*range(20)))
    assert outcomes(report)["balanced_accuracy"] is Outcome.PASSED
    assert outcomes(report)["sensitivity.cataract"] is Outcome.FAILED
    assert report.verdict is GateVerdict.REFUSED


def test_melanoma_has_the_highest_floor_of_the_skin() -> None:
    floors = SKIN.sensitivity_floors
    assert max(floors, key=lambda label: floors[label]) == "mel"


def test_a_model_that_is_too_sure_of_itself_is_refused() -> None:
    def overconfident(true: int, number: int) -> tuple[int, float]:
        return (1 - true if true == 0 and number % 3 == 0 else true), 0.999

    report = World(FakeHoldout(LABELS, 40), reference=overconfident).evaluate(overconfident)
    assert outcomes(report)["balanced_accuracy"] is Outcome.PASSED
    assert outcomes(report)["calibration"] is Outcome.FAILED
    assert report.verdict is GateVerdict.REFUSED


def test_an_image_that_the_model_fails_on_counts_as_wrong() -> None:
    def failing(true: int, number: int) -> tuple[int, float] | None:
        return None if true == 1 and number < 10 else (true, 0.98)

    report = World(FakeHoldout(LABELS, 40)).evaluate(failing)
    assert report.failures == 10
    assert report.labels["cataract"].sensitivity == 0.75


def test_too_few_images_of_one_label_are_no_verdict() -> None:
    holdout = FakeHoldout(LABELS, LEAST_IMAGES_PER_LABEL)
    assert World(holdout).evaluate(always_right).verdict is GateVerdict.PASSED
    holdout.known.pop()
    report = World(holdout).evaluate(always_right)
    assert report.verdict is GateVerdict.NOT_EVALUABLE
    assert f"cataract {LEAST_IMAGES_PER_LABEL - 1}" in report.reasons[0]
    assert report.checks == ()


def test_copies_of_an_image_do_not_make_a_holdout_larger() -> None:
    holdout = FakeHoldout(LABELS, 5)
    holdout.known *= 10
    assert World(holdout).evaluate(always_right).verdict is GateVerdict.NOT_EVALUABLE


def test_an_empty_holdout_is_no_verdict() -> None:
    assert World(FakeHoldout(LABELS, 0)).evaluate(always_right).verdict is GateVerdict.NOT_EVALUABLE


def test_images_that_are_gone_or_changed_are_left_out_and_counted() -> None:
    holdout = FakeHoldout(LABELS, 30)
    first, second, *_ = sorted(holdout.files)
    del holdout.files[first]
    holdout.files[second] += b"\0"
    report = World(holdout).evaluate(always_right)
    assert (report.images, report.missing) == (58, 2)
    assert report.verdict is GateVerdict.PASSED


def test_a_holdout_of_which_too_much_is_gone_is_no_verdict() -> None:
    holdout = FakeHoldout(LABELS, LEAST_IMAGES_PER_LABEL)
    del holdout.files[min(holdout.files)]
    assert World(holdout).evaluate(always_right).verdict is GateVerdict.NOT_EVALUABLE


def test_a_model_that_takes_too_long_is_no_verdict() -> None:
    world = World(FakeHoldout(LABELS, 40), seconds_per_look=1.0)
    report = world.evaluate(always_right)
    assert report.verdict is GateVerdict.NOT_EVALUABLE
    assert "60 s" in report.reasons[0]


def test_a_production_model_that_cannot_serve_is_no_verdict() -> None:
    world = World(FakeHoldout(LABELS, 40))

    def tampered(name: str) -> ReferenceModel | None:
        raise ModelIntegrityError("other bytes")

    gate = Gate(world.holdout, world.holdout, tampered, lambda: START, 60.0)
    report = gate.evaluate(EYE, cast("LoadedModel", ScriptedModel(LABELS, always_right)))
    assert report.verdict is GateVerdict.NOT_EVALUABLE
    assert "other bytes" in report.reasons[0]


def test_the_baseline_is_compared_with_but_not_for_its_speed() -> None:
    report = World(FakeHoldout(LABELS, 40), kind=BASELINE).evaluate(always_right)
    assert report.reference == BASELINE
    assert outcomes(report)["balanced_accuracy"] is Outcome.PASSED
    assert outcomes(report)["latency"] is Outcome.NOT_JUDGED
    assert report.verdict is GateVerdict.PASSED


def test_without_any_model_to_compare_with_floors_and_calibration_decide() -> None:
    good = World(FakeHoldout(LABELS, 40), reference=None).evaluate(always_right)
    assert good.verdict is GateVerdict.PASSED
    assert outcomes(good)["balanced_accuracy"] is Outcome.NOT_JUDGED
    assert good.labels["cataract"].reference_sensitivity is None
    bad = World(FakeHoldout(LABELS, 40), reference=None).evaluate(wrong_on(*range(20)))
    assert bad.verdict is GateVerdict.REFUSED


def test_the_same_holdout_gives_the_same_figures() -> None:
    first, second = (
        World(FakeHoldout(LABELS, 40), reference=wrong_on(3, 5)).evaluate(wrong_on(4, 9)) for _ in range(2)
    )
    timed = {"latency_ms", "reference_latency_ms", "checks"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)
    assert first.holdout_sha256 == second.holdout_sha256


def slow(own: float, other: float, reference: Reference = PRODUCTION) -> GateReport:
    """A verdict on answers that are all right, at these speeds in milliseconds."""
    answers = []
    for index, label in enumerate(LABELS):
        for number in range(30):
            image = FakeHoldout((), 0).add(picture(index, number), label, f"{label}-{number}")
            answers.append(Answer(image, Compared(label, 0.98, own), Compared(label, 0.98, other)))
    return judge(answers, dict.fromkeys(LABELS, 30), EYE, reference, START)


@pytest.mark.parametrize(("own", "verdict"), [(15.0, GateVerdict.PASSED), (15.3, GateVerdict.REFUSED)])
def test_a_model_may_take_one_and_a_half_times_as_long(own: float, verdict: GateVerdict) -> None:
    report = slow(own, 10.0)
    assert report.verdict is verdict
    assert (report.latency_ms, report.reference_latency_ms) == (own, 10.0)
