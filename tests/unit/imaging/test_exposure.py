"""The exposure rules on scenes whose histogram is known."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from triagelens.imaging.exposure import measure_exposure


def tissue(low: int, high: int) -> NDArray[np.uint8]:
    """600 x 800 pixels, levels spread evenly from `low` to `high`."""
    return np.random.default_rng(1).integers(low, high + 1, (600, 800)).astype(np.uint8)


def slice_on_black(level: int) -> NDArray[np.uint8]:
    """A round, bright slice that covers a fifth of a black ground with a little noise."""
    ground = np.random.default_rng(2).integers(0, 4, (600, 600)).astype(np.uint8)
    disc = np.zeros_like(ground)
    cv2.circle(disc, (300, 300), 151, 1, cv2.FILLED)
    return np.where(disc == 1, np.uint8(level), ground)


def codes(grey: NDArray[np.uint8]) -> dict[str, str]:
    return {reason.code: reason.severity for reason in measure_exposure(grey).reasons}


def test_a_well_exposed_image_earns_no_remark() -> None:
    exposure = measure_exposure(tissue(40, 210))
    assert exposure.reasons == ()
    assert exposure.brightness == pytest.approx(125, abs=2)
    assert exposure.shadow_level == pytest.approx(48, abs=2)
    assert exposure.highlight_level == pytest.approx(202, abs=2)


@pytest.mark.parametrize(
    ("high", "expected"), [(100, {}), (60, {"too_dark": "warn"}), (30, {"too_dark": "reject"})]
)
def test_darkness_is_judged_by_the_bright_end(high: int, expected: dict[str, str]) -> None:
    assert codes(tissue(10, high)) == expected


@pytest.mark.parametrize(
    ("low", "expected"), [(150, {}), (205, {"too_bright": "warn"}), (235, {"too_bright": "reject"})]
)
def test_overexposure_is_judged_by_the_dark_end(low: int, expected: dict[str, str]) -> None:
    assert codes(tissue(low, 250)) == expected


def test_a_slice_on_a_large_black_ground_is_well_exposed() -> None:
    exposure = measure_exposure(slice_on_black(140))
    assert exposure.reasons == ()
    assert exposure.brightness < 40
    assert exposure.clipped_shadows == 0


def test_black_inside_the_subject_is_lost_shadow() -> None:
    grey = tissue(40, 210)
    grey[150:450, 150:650] = 0
    exposure = measure_exposure(grey)
    assert exposure.clipped_shadows == pytest.approx(0.31, abs=0.01)
    assert {reason.code: reason.severity for reason in exposure.reasons} == {"clipped_shadows": "warn"}


@pytest.mark.parametrize(("share", "severity"), [(0.05, None), (0.2, "warn"), (0.7, "warn"), (0.9, "reject")])
def test_plain_white_areas_are_graded(share: float, severity: str | None) -> None:
    grey = tissue(40, 210)
    grey[: int(600 * share)] = 255
    assert codes(grey).get("clipped_highlights") == severity


def test_the_gravest_remark_comes_first() -> None:
    grey = tissue(235, 250)
    grey[:120] = 255
    reasons = measure_exposure(grey).reasons
    assert [(reason.code, reason.severity) for reason in reasons] == [
        ("too_bright", "reject"),
        ("clipped_highlights", "warn"),
    ]


def test_a_black_image_is_too_dark() -> None:
    assert codes(np.zeros((300, 400), np.uint8)) == {"too_dark": "reject"}


def test_every_remark_carries_its_figure_and_bound() -> None:
    (reason,) = measure_exposure(tissue(10, 30)).reasons
    assert reason.value == pytest.approx(29, abs=1)
    assert reason.threshold == 40.0
    assert "light" in reason.message
