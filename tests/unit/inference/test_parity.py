"""A model's answers travel with it, and are asked for again where it is registered."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from triagelens.domain.manifest import InputSpec
from triagelens.inference.parity import Parity, ParityCase, pattern

SPEC = InputSpec(name="image", height=24, width=40, mean=[0.5] * 3, std=[0.25] * 3)


def mean_colours(tensor: NDArray[Any]) -> NDArray[Any]:
    """A model of its own kind: its scores are the input's mean red, green and blue."""
    means: NDArray[Any] = np.asarray(tensor, dtype=np.float64).mean(axis=(2, 3))
    return means


def kept(tolerance: float = 1e-4) -> Parity:
    cases = [ParityCase(seed=seed, scores=mean_colours(pattern(seed, SPEC))[0].tolist()) for seed in range(3)]
    return Parity(model_sha256="0" * 64, tolerance=tolerance, cases=cases)


def test_a_model_that_answers_as_it_did_has_no_differences_after_a_journey_as_json() -> None:
    travelled = Parity.model_validate_json(kept().model_dump_json())
    assert travelled.differences(mean_colours, SPEC) == []


def test_every_case_that_differs_is_named() -> None:
    found = kept().differences(lambda tensor: mean_colours(tensor) + np.array([0, 0, 0.01]), SPEC)
    assert len(found) == 3
    assert "differ by 0.01" in found[0]
    assert kept(0.1).differences(lambda tensor: mean_colours(tensor) + 0.01, SPEC) == []


def test_scores_that_are_no_numbers_or_too_few_are_differences() -> None:
    assert len(kept().differences(lambda tensor: mean_colours(tensor) * np.nan, SPEC)) == 3
    (first, *_) = kept().differences(lambda tensor: mean_colours(tensor)[:, :2], SPEC)
    assert "2 scores instead of 3" in first


def test_a_pattern_is_the_same_everywhere_and_another_for_another_seed() -> None:
    raw = SPEC.model_copy(
        update={"dtype": "uint8", "layout": "NHWC", "scale": 1.0, "mean": [0.0] * 3, "std": [1.0] * 3}
    )
    pixels = pattern(7, raw)
    assert pixels.shape == (1, 24, 40, 3)
    assert pixels[0, 0, 0].tolist() == [0, 232, 115]
    assert not np.array_equal(pixels, pattern(8, raw))
    tensor = pattern(7, SPEC)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0, :, 0, 0], (pixels[0, 0, 0] / 255 - 0.5) / 0.25, rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"tolerance": 0}, {"cases": []}, {"tolerance": float("nan")}, {"more": 1}])
def test_a_parity_file_that_would_prove_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Parity.model_validate(kept().model_dump() | wrong)
