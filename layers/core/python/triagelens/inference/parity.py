"""Does the exported model answer here as it did where it was made? `parity.json` says how it did."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from triagelens.domain.errors import ModelError
from triagelens.domain.models import Problem
from triagelens.domain.parity import Parity, SeededInput
from triagelens.inference.reading import ModelOutputError, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from triagelens.domain.manifest import InputSpec
    from triagelens.inference.session import LoadedModel


def parity_problems(parity: bytes, loaded: "LoadedModel") -> list[Problem]:
    """Why the model is not the one that the file was made with; nothing if it answers the same."""
    try:
        said = Parity.model_validate_json(parity)
    except ValidationError as error:
        where = "; ".join(".".join(str(step) for step in entry["loc"]) for entry in error.errors())
        return [Problem(code="parity_invalid", message=f"parity.json is not valid: {where or 'content'}.")]
    worst, relabelled = 0.0, 0
    for given, expected in zip(said.inputs, said.outputs, strict=True):
        try:
            row = scores(loaded.run(_tensor(given, loaded.manifest.input))[0], loaded.manifest, loaded.batch)
        except (ModelOutputError, ModelError, ValueError) as error:
            return [Problem(code="parity_invalid", message=f"parity.json cannot be replayed: {error}")]
        if len(row) != len(expected):
            message = f"parity.json has {len(expected)} values of an answer; the model gives {len(row)}."
            return [Problem(code="parity_invalid", message=message)]
        worst = max(worst, float(np.abs(row - np.array(expected)).max()))
        relabelled += int(row.argmax() != np.argmax(expected))
    if worst > said.tolerance or relabelled:
        message = (
            f"The model answers otherwise here than where it was made: by up to {worst:.2e} "
            f"({said.tolerance:.0e} is allowed), with another label on {relabelled} of {len(said.inputs)} "
            "inputs."
        )
        return [Problem(code="parity", message=message)]
    return []


def _tensor(given: "SeededInput | list[float]", spec: "InputSpec") -> "NDArray[Any]":
    """One image's tensor (1, ...) in the manifest's layout and type.

    Raises:
        ValueError: it has another shape.
    """
    shape = (3, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 3)
    if not isinstance(given, SeededInput):
        return np.array(given, dtype=spec.dtype).reshape(1, *shape)
    if given.shape != shape:
        raise ValueError(f"an input has shape {given.shape}, the model takes {shape}")
    drawn = np.random.default_rng(given.seed).standard_normal(given.shape)
    return drawn.astype(spec.dtype)[None]
