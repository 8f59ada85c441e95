"""The focus measure: its definition, its order, and the thresholds that docs/quality.md calibrates."""

from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training_job.phantoms import render
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging.focus import Focus, measure_focus

# Specialty -> the labels with the most and the least detail of their own.
LABELS: Mapping[str, tuple[str, ...]] = {
    "skin": ("mel", "df"),
    "eye": ("cataract", "normal"),
    "oral": ("normal", "lesion"),
    "brain": ("glioma", "no_tumour"),
}
CASES = [(name, label) for name, labels in LABELS.items() for label in labels]
SERIES = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)


@cache
def scene(specialty: str, label: str) -> NDArray[np.float32]:
    """A grey scene without noise, as a working image has it."""
    picture = render(specialty, label, 5, noise=0.0).convert("L")
    return np.asarray(picture, np.float32)


def photo(grey: NDArray[np.float32], sigma: float, noise: float) -> NDArray[np.uint8]:
    """`grey` out of focus by `sigma` pixels, with a sensor's noise of `noise` grey levels."""
    soft = cv2.GaussianBlur(grey, (0, 0), sigma) if sigma else grey
    grain = np.random.default_rng(9).normal(0, noise, grey.shape)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


def test_every_specialty_is_tested() -> None:
    assert set(LABELS) == set(SPECIALTIES)


def test_the_score_is_the_variance_of_the_laplacian() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (300, 400)).astype(np.uint8)
    assert measure_focus(grey).score == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var(), rel=1e-9)


def test_a_flat_image_has_no_focus_at_all() -> None:
    assert measure_focus(np.full((100, 100), 90, np.uint8)) == Focus(score=0.0, detail=0.0)


@pytest.mark.parametrize("deviation", [2.0, 5.0, 10.0])
def test_noise_alone_scores_twenty_times_its_variance_but_shows_hardly_any_detail(deviation: float) -> None:
    focus = measure_focus(photo(np.full((600, 800), 128, np.float32), 0, deviation))
    assert focus.score == pytest.approx(20 * deviation**2, rel=0.1)
    assert focus.detail < 0.025 * focus.score


@pytest.mark.parametrize(("specialty", "label"), CASES)
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_both_scores_fall_as_blur_grows(specialty: str, label: str, noise: float) -> None:
    series = [measure_focus(photo(scene(specialty, label), sigma, noise)) for sigma in SERIES]
    for sharper, softer in pairwise(series):
        assert sharper.score > softer.score
        assert sharper.detail > softer.detail


@pytest.mark.parametrize(("specialty", "label"), CASES)
@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("sigma", "sharp"), [(0.0, True), (0.5, True), (3.0, False), (5.0, False)])
def test_the_threshold_of_each_specialty_parts_sharp_from_blurred(
    specialty: str, label: str, noise: float, sigma: float, sharp: bool
) -> None:
    focus = measure_focus(photo(scene(specialty, label), sigma, noise))
    reasons = focus.reasons(SPECIALTIES[specialty].focus_threshold)
    assert [reason.code for reason in reasons] == ([] if sharp else ["blurred"])


@pytest.mark.parametrize("specialty", LABELS)
def test_shake_blurs_as_well(specialty: str) -> None:
    grey = scene(specialty, LABELS[specialty][0])
    streak = np.eye(40, dtype=np.float32) / 40
    shaken = np.asarray(cv2.filter2D(grey, -1, streak), np.float32)
    assert measure_focus(photo(shaken, 0, 1.0)).detail < measure_focus(photo(grey, 0, 1.0)).detail / 3


def test_a_score_at_the_threshold_passes() -> None:
    assert Focus(score=10.0, detail=10.0).reasons(10.0) == ()
