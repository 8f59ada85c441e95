"""Metrics and calibration say what they should on cases worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training_job.calibrate import cross_entropy, fit_temperature, smoothed_targets
from training_job.evaluate import balanced_accuracy, expected_calibration_error, softmax
from training_job.measures import for_manifest, measure, wilson


def test_balanced_accuracy_is_the_mean_of_sensitivities_not_of_images() -> None:
    targets = np.array([0] * 8 + [1] * 2)
    predicted = np.array([0] * 8 + [0, 1])
    assert balanced_accuracy(predicted, targets, 2) == pytest.approx(0.75)


def test_a_label_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="every label"):
        balanced_accuracy(np.array([0, 0]), np.array([0, 0]), 2)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    targets = np.array([0] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, targets) == pytest.approx(0.3)


def test_the_temperature_that_distorted_the_logits_is_found_again() -> None:
    rng = np.random.default_rng(4)
    honest = rng.normal(0, 2, (4000, 3))
    drawn = rng.random((4000, 1))
    targets = (softmax(honest).cumsum(axis=1) < drawn).sum(axis=1)
    temperature = fit_temperature(3.0 * honest, targets)
    assert temperature == pytest.approx(3.0, rel=0.1)
    goal = smoothed_targets(targets, 3)
    assert cross_entropy(3.0 * honest, goal, temperature) < cross_entropy(3.0 * honest, goal, 1.0)


def separated(margin: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Thirty images of each of two labels, told apart without a mistake."""
    targets = np.repeat([0, 1], 30)
    return np.where(np.eye(2)[targets] == 1, margin, 0.0), targets


def test_perfectly_separated_images_make_a_careful_model_as_certain_as_they_can_prove() -> None:
    logits, targets = separated(2.0)
    confidence = softmax(logits, fit_temperature(logits, targets)).max(axis=1)
    np.testing.assert_allclose(confidence, 30.5 / 31, atol=1e-3)


@pytest.mark.parametrize("margin", [5.0, 12.0, 60.0, 400.0])
def test_a_temperature_never_makes_a_model_worse_on_the_images_it_was_fitted_to(margin: float) -> None:
    """Sure and right of every image: lowering its confidence would be a mistake, however far it goes."""
    logits, targets = separated(margin)
    temperature = fit_temperature(logits, targets)
    before, after = (softmax(logits, value) for value in (1.0, temperature))
    assert expected_calibration_error(after, targets) <= expected_calibration_error(before, targets)
    assert temperature == 1.0


def test_a_calibration_that_is_no_better_is_left_alone() -> None:
    rng = np.random.default_rng(11)
    for _ in range(50):
        logits = rng.normal(0, 2, (60, 3)) + 3 * rng.random()
        targets = rng.integers(0, 3, 60)
        temperature = fit_temperature(logits, targets)
        truth = np.eye(3)[targets]
        assert cross_entropy(logits, truth, temperature) <= cross_entropy(logits, truth, 1.0)
        before, after = (
            expected_calibration_error(softmax(logits, value), targets) for value in (1.0, temperature)
        )
        assert after <= before


def test_the_manifest_gets_every_labels_sensitivity() -> None:
    logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    found = measure(logits, np.array([0, 0, 1, 1]), ("normal", "cataract"), temperature=1.0)
    metrics = for_manifest(found)
    assert metrics["sensitivity_normal"] == 1.0
    assert metrics["sensitivity_cataract"] == 0.5
    assert metrics["balanced_accuracy"] == 0.75
    assert metrics["held_out_images"] == 4


def test_sensitivity_and_specificity_come_from_the_confusion_of_labels() -> None:
    logits = np.eye(3)[[0, 0, 1, 1, 2, 0]] * 5.0
    found = measure(logits, np.array([0, 0, 0, 1, 1, 1]), ("a", "b", "c"), temperature=1.0)
    assert found.confusion == [[2, 1, 0], [1, 1, 1], [0, 0, 0]]
    assert found.balanced_accuracy == 0.5
    of_a, of_c = found.labels["a"], found.labels["c"]
    assert of_a.sensitivity is not None
    assert of_a.sensitivity.value == pytest.approx(2 / 3, abs=1e-4)
    assert of_a.specificity is not None
    assert of_a.specificity.value == pytest.approx(2 / 3, abs=1e-4)
    assert of_c.sensitivity is None
    assert "sensitivity_c" not in for_manifest(found)


@pytest.mark.parametrize(
    ("hits", "images", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_confidence_intervals_are_wilsons(hits: int, images: int, low: float, high: float) -> None:
    """The figures of Newcombe (1998), table I."""
    rate = wilson(hits, images)
    assert rate is not None
    assert [rate.low, rate.high] == pytest.approx([low, high], abs=1e-4)
