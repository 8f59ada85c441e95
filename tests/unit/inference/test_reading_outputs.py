"""Raw outputs become probabilities, or a clear error."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.onnx_models import classifier
from triagelens.domain.manifest import Manifest
from triagelens.inference.reading import ModelOutputError, probabilities, scores

LOGITS = Manifest.model_validate(classifier().manifest)
PROBABILITIES = Manifest.model_validate(classifier(kind="probabilities").manifest)
SIGMOID = Manifest.model_validate(classifier(kind="sigmoid", labels=("no", "yes")).manifest)


def with_temperature(manifest: Manifest, temperature: float) -> Manifest:
    return manifest.model_copy(
        update={"calibration": manifest.calibration.model_copy(update={"temperature": temperature})}
    )


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3),
    st.floats(0.05, 20),
)
def test_logits_of_any_size_give_probabilities_that_sum_to_1(logits: list[float], temperature: float) -> None:
    result = probabilities(np.array(logits), with_temperature(LOGITS, temperature))
    assert np.isfinite(result).all()
    assert result.sum() == pytest.approx(1)
    assert result[np.argmax(logits)] == result.max()


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.1))
def test_a_temperature_never_changes_which_label_leads(row: list[float]) -> None:
    given_row = np.array(row) / sum(row)
    for temperature in (0.25, 1.0, 8.0):
        result = probabilities(given_row, with_temperature(PROBABILITIES, temperature))
        assert result[given_row.argmax()] == result.max()


def test_a_probability_of_zero_or_one_can_be_calibrated() -> None:
    result = probabilities(np.array([0.0, 1.0, 0.0]), with_temperature(PROBABILITIES, 2.0))
    assert np.isfinite(result).all()
    assert result.argmax() == 1


@given(st.floats(-800, 800))
def test_a_large_sigmoid_logit_does_not_overflow(logit: float) -> None:
    manifest = SIGMOID.model_copy(
        update={"output": SIGMOID.output.model_copy(update={"sigmoid_applied": False})}
    )
    with np.errstate(over="raise", invalid="raise"):
        negative, positive = probabilities(np.array([logit]), manifest)
    assert negative + positive == pytest.approx(1)
    assert (positive > 0.5) == (logit > 1e-15) or abs(logit) < 1e-15


@pytest.mark.parametrize(
    ("row", "manifest"),
    [
        ([0.5, 0.4, 0.3], PROBABILITIES),
        ([1.2, -0.2, 0.0], PROBABILITIES),
        ([1.3], SIGMOID),
        ([-4.0], SIGMOID),
    ],
)
def test_values_that_are_no_probabilities_are_not_taken_for_some(
    row: list[float], manifest: Manifest
) -> None:
    with pytest.raises(ModelOutputError, match="declared to hold probabilities") as caught:
        probabilities(np.array(row), manifest)
    assert caught.value.code == "output_not_probabilities"


@pytest.mark.parametrize(
    ("output", "manifest", "batch"),
    [
        (np.zeros((1, 4)), LOGITS, 1),
        (np.zeros((1, 3, 2)), LOGITS, 1),
        (np.zeros((2, 3)), LOGITS, 1),
        (np.zeros((3, 4)), LOGITS, 4),
        (np.zeros((12,)), LOGITS, 4),
        (np.zeros((1, 2)), SIGMOID, 1),
        (np.zeros((4, 2)), SIGMOID, 4),
    ],
)
def test_an_output_of_another_width_is_refused(output: NDArray[Any], manifest: Manifest, batch: int) -> None:
    with pytest.raises(ModelOutputError, match="value") as caught:
        scores(output, manifest, batch)
    assert caught.value.code == "output_shape"


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 3, 1, 1), (1, 1, 1, 3)])
def test_further_axes_of_length_one_do_not_matter(shape: tuple[int, ...]) -> None:
    assert scores(np.array([1.0, 2.0, 3.0]).reshape(shape), LOGITS, 1).tolist() == [1, 2, 3]


def test_only_the_first_image_of_a_fixed_batch_is_read() -> None:
    assert scores(np.array([[1.0, 2, 3], [4, 5, 6]]), LOGITS, 2).tolist() == [1, 2, 3]
    assert scores(np.array([0.25, 0.5, 0.75]), SIGMOID, 3).tolist() == [0.25]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ModelOutputError, match="not finite") as caught:
        scores(np.array([[0.0, value, 1.0]]), LOGITS, 1)
    assert caught.value.code == "output_not_finite"


def test_a_half_precision_softmax_is_close_enough_to_one() -> None:
    row = np.array([0.3335, 0.333, 0.3325], dtype=np.float16).astype(np.float64)
    assert probabilities(row, PROBABILITIES).sum() == pytest.approx(1, abs=1e-12)
