"""`parity.json`: what a model answered where it was made, to be compared with what it answers elsewhere.

The inputs are patterns drawn from a seed, so no patient's picture travels with a model, and nothing but
hashing and arithmetic on integers is needed to draw the same ones anywhere.
"""

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import InputSpec, Sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Run = Callable[[NDArray[Any]], NDArray[Any]]

_GRID = 8
"""Coloured squares along each side of a pattern."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ParityCase(_Part):
    """A pattern, and the model's raw scores for it, one per value of its output."""

    seed: int = Field(ge=0, le=2**32 - 1)
    scores: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(min_length=1, max_length=1000)


class Parity(_Part):
    """`parity.json`, version 1.

    Attributes:
        model_sha256: of the `model.onnx` that it belongs to.
        tolerance: largest difference of a score that is allowed.
    """

    schema_version: Literal[1] = 1
    model_sha256: Sha256
    tolerance: float = Field(gt=0, allow_inf_nan=False)
    cases: list[ParityCase] = Field(min_length=1, max_length=64)

    def differences(self, run: "Run", spec: InputSpec) -> list[str]:
        """Every case in which the model does not answer as it did; empty if it does.

        Args:
            run: raw scores of one input tensor (1, ...), of any shape.
        """
        found: list[str] = []
        for case in self.cases:
            answered = np.asarray(run(pattern(case.seed, spec)), dtype=np.float64).reshape(-1)
            if answered.shape != (len(case.scores),):
                found.append(f"pattern {case.seed}: {answered.size} scores instead of {len(case.scores)}")
                continue
            difference = float(np.abs(answered - np.asarray(case.scores)).max())
            if not difference <= self.tolerance:
                allowed = f"allowed: {self.tolerance:g}"
                found.append(f"pattern {case.seed}: scores differ by {difference:.3g} ({allowed})")
        return found


def pattern(seed: int, spec: InputSpec) -> "NDArray[Any]":
    """Squares of random colours as one input tensor of the model (1, ...), scaled as `spec` says."""
    stream = hashlib.shake_256(f"triagelens parity {seed}".encode()).digest(_GRID * _GRID * 3)
    grid = np.frombuffer(stream, np.uint8).reshape(_GRID, _GRID, 3)
    rows, columns = (np.arange(length) * _GRID // length for length in (spec.height, spec.width))
    pixels = grid[rows][:, columns]
    if spec.dtype == "uint8":
        tensor: NDArray[Any] = pixels
    else:
        scaled = (pixels * spec.scale - np.asarray(spec.mean)) / np.asarray(spec.std)
        tensor = scaled.astype(spec.dtype)
    if spec.layout == "NCHW":
        tensor = tensor.transpose(2, 0, 1)
    return np.ascontiguousarray(tensor[None])
