"""Metrics and calibration say what they should on cases worked out by hand."""

import numpy as np
import pytest

from training_job.calibrate import fit_temperature, negative_log_likelihood
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
    before = negative_log_likelihood(3.0 * honest, targets, 1.0)
    assert negative_log_likelihood(3.0 * honest, targets, temperature) < before


def test_the_manifest_gets_every_labels_sensitivity() -> None:
    logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    metrics = assess(logits, np.array([0, 0, 1, 1]), ("normal", "cataract"), temperature=1.0)
    assert metrics["sensitivity_normal"] == 1.0
    assert metrics["sensitivity_cataract"] == 0.5
    assert metrics["balanced_accuracy"] == 0.75
    assert metrics["held_out_images"] == 4
