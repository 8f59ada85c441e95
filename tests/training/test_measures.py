"""Metrics and calibration say what they should on cases worked out by hand."""

import numpy as np
import pytest

from training_job.calibrate import cross_entropy, fit_temperature, smoothed_targets
from training_job.evaluate import assess, balanced_accuracy, expected_calibration_error, softmax


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


def test_perfectly_separated_images_do_not_make_the_model_certain() -> None:
    targets = np.repeat([0, 1], 30)
    logits = np.where(np.eye(2)[targets] == 1, 5.0, 0.0)
    confidence = softmax(logits, fit_temperature(logits, targets)).max(axis=1)
    np.testing.assert_allclose(confidence, 30.5 / 31, atol=1e-3)


def test_the_manifest_gets_every_labels_sensitivity() -> None:
    logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    metrics = assess(logits, np.array([0, 0, 1, 1]), ("normal", "cataract"), temperature=1.0)
    assert metrics["sensitivity_normal"] == 1.0
    assert metrics["sensitivity_cataract"] == 0.5
    assert metrics["balanced_accuracy"] == 0.75
    assert metrics["held_out_images"] == 4
