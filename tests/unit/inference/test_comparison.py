"""The figures that the gate judges, and the sample that they are measured on."""

import numpy as np
import pytest

from triagelens.domain.gate import LEAST_IMAGES_PER_LABEL, HoldoutImage, sample, too_few
from triagelens.inference.comparison import calibration_error, lower_bound_of_difference, sensitivities


def test_the_bound_is_that_of_resampled_groups() -> None:
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1], 100)
    right, other = random.random(200) < 0.8, random.random(200) < 0.8
    alone = lower_bound_of_difference(truth, np.arange(200), right, other)
    lumped = lower_bound_of_difference(truth, np.arange(200) // 10, right, other)
    difference = float((sensitivities(truth, right, 2) - sensitivities(truth, other, 2)).mean())
    assert alone < difference
    assert lumped != alone
    assert alone == lower_bound_of_difference(truth, np.arange(200), right, other), "seeded"
    # The normal approximation of a paired difference, for images that are groups of their own.
    gains = right.astype(float) - other
    spread = np.sqrt(sum(gains[truth == label].var() / 100 for label in (0, 1))) / 2
    assert alone == pytest.approx(difference - 1.645 * spread, abs=0.01)


def test_equal_answers_differ_by_nothing() -> None:
    truth, right = np.repeat([0, 1], 50), np.arange(100) % 3 == 0
    assert lower_bound_of_difference(truth, np.arange(100), right, right) == 0.0


def test_calibration_is_judged_on_bins_with_enough_images() -> None:
    confidence = np.full(300, 0.8)
    right = np.arange(300) % 5 != 0
    assert calibration_error(confidence, right, np.ones(300)) < 0.02
    assert calibration_error(confidence, np.zeros(300, bool), np.ones(300)) == pytest.approx(0.8)
    few = calibration_error(np.array([0.9, 0.1]), np.array([True, False]), np.ones(2))
    assert few == pytest.approx(0.0), "two images are one bin"


def test_images_count_for_as_many_as_they_stand_for() -> None:
    confidence, right = np.array([1.0] * 15 + [0.0] * 15), np.array([False] * 15 + [False] * 15)
    even = calibration_error(confidence, right, np.ones(30))
    heavy = calibration_error(confidence, right, np.array([3.0] * 15 + [1.0] * 15))
    assert even == pytest.approx(0.5)
    assert heavy == pytest.approx(0.75)


def holdout_of(counts: dict[str, int]) -> list[HoldoutImage]:
    return [
        HoldoutImage(bucket="images", key="k", sha256=f"{index:02x}{number:062x}", label=label, group="g")
        for index, (label, count) in enumerate(counts.items())
        for number in range(count)
    ]


def test_a_sample_takes_all_of_rare_labels_and_evens_out_the_others() -> None:
    images = holdout_of({"a": 10, "b": 100, "c": 500, "other": 50})
    chosen = sample(images, ("a", "b", "c"), most=150)
    counts = {label: sum(image.label == label for image in chosen) for label in ("a", "b", "c", "other")}
    assert counts == {"a": 10, "b": 70, "c": 70, "other": 0}
    assert chosen == sample(list(reversed(images)), ("a", "b", "c"), most=150)


def test_a_sample_does_not_change_when_another_label_grows() -> None:
    before = sample(holdout_of({"a": 40, "b": 40}), ("a", "b"), most=60)
    after = sample(holdout_of({"a": 40, "b": 400}), ("a", "b"), most=60)
    assert [image for image in before if image.label == "a"] == [
        image for image in after if image.label == "a"
    ]


def test_labels_without_any_image_are_too_few() -> None:
    assert too_few(holdout_of({"a": LEAST_IMAGES_PER_LABEL}), ("a", "b")) == {"b": 0}
