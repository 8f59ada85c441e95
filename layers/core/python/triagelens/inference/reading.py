"""From a model's raw output to calibrated probabilities, as the manifest's `OutputSpec` says."""

from typing import TYPE_CHECKING, Any

import numpy as np

from triagelens.domain.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from triagelens.domain.manifest import Manifest

# Probabilities that a float16 softmax gives may miss 1 by this much.
SUM_TOLERANCE = 1e-2
_TINY = 1e-12


class ModelOutputError(ModelError):
    """The model answered with something that cannot be read as the manifest says.

    Attributes:
        code: `output_shape`, `output_not_finite` or `output_not_probabilities`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def scores(output: Any, manifest: "Manifest", batch: int) -> "NDArray[np.float64]":
    """The first image's raw scores: (labels,), or (1,) for a sigmoid output.

    Args:
        output: what ONNX Runtime gave for the output: (batch, width) with any further axes of
            length 1, (batch,) where the width is 1, or (width,) where the batch is 1.
        batch: length of the batch axis that was fed.

    Raises:
        ModelOutputError: another shape, or values that are not finite.
    """
    width = 1 if manifest.output.kind == "sigmoid" else len(manifest.labels)
    array = np.asarray(output)
    if array.size != batch * width or (batch > 1 and array.shape[0] != batch):
        raise ModelOutputError(
            "output_shape",
            f"Output {manifest.output.name!r} has shape {array.shape} for {batch} image(s); "
            f"{manifest.output.kind} of {len(manifest.labels)} labels need {width} value(s) per image.",
        )
    row: NDArray[np.float64] = array.reshape(batch, width)[0].astype(np.float64)
    if not np.isfinite(row).all():
        raise ModelOutputError("output_not_finite", f"Output {manifest.output.name!r} is not finite.")
    return row


def probabilities(row: "NDArray[np.float64]", manifest: "Manifest") -> "NDArray[np.float64]":
    """Calibrated probabilities (labels,) in the manifest's label order; they sum to 1.

    Temperature scaling divides logits by the temperature. Where the model gives probabilities their
    logarithms are logits up to a constant, which softmax does not see.

    Raises:
        ModelOutputError: the values were to be probabilities and are not.
    """
    kind, temperature = manifest.output.kind, manifest.calibration.temperature
    if kind == "sigmoid":
        row = _two_classes(float(row[0]), manifest)
    if kind == "logits" or (kind == "sigmoid" and not manifest.output.sigmoid_applied):
        return _softmax(row, temperature)
    _require_probabilities(row, manifest.output.name)
    row = np.clip(row, 0.0, 1.0)
    if temperature != 1.0:
        return _softmax(np.log(np.maximum(row, _TINY)), temperature)
    return _summing_to_1(row)


def _two_classes(value: float, manifest: "Manifest") -> "NDArray[np.float64]":
    """A sigmoid output as two probabilities, or its logit as two logits: sigmoid(x) = softmax(0, x)[1]."""
    return np.array([1.0 - value if manifest.output.sigmoid_applied else 0.0, value])


def _softmax(logits: "NDArray[np.float64]", temperature: float) -> "NDArray[np.float64]":
    return _summing_to_1(np.exp((logits - logits.max()) / temperature))


def _summing_to_1(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    result: NDArray[np.float64] = values / values.sum()
    return result


def _require_probabilities(row: "NDArray[np.float64]", output: str) -> None:
    outside = row.min() < -SUM_TOLERANCE or row.max() > 1 + SUM_TOLERANCE
    if outside or abs(row.sum() - 1) > SUM_TOLERANCE:
        raise ModelOutputError(
            "output_not_probabilities",
            f"Output {output!r} was declared to hold probabilities, but lies in "
            f"[{row.min():.4g}, {row.max():.4g}] with sum {row.sum():.4g}.",
        )
