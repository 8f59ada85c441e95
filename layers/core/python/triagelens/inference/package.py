"""A model as it is stored: `model.onnx`, `manifest.json` and, for some, the head's weights."""

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from triagelens.domain.errors import ModelError, ModelIntegrityError
from triagelens.domain.manifest import Manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelPackage:
    """The bytes of a model's files, none of them trusted yet. `head` is an `.npy` file."""

    model: bytes
    manifest: bytes
    head: bytes | None = None


def sha256(data: bytes) -> str:
    """Hexadecimal digest, in lower case."""
    return hashlib.sha256(data).hexdigest()


def read_manifest(data: bytes) -> Manifest:
    """The manifest in `data`.

    Raises:
        ModelError: it is not a valid manifest; the message names every field that is wrong.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(step) for step in entry['loc']) or 'manifest'}: {entry['msg']}"
            for entry in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise ModelError(f"manifest.json is not valid: {wrong}") from None


def require_digest(data: bytes, expected: str, name: str) -> None:
    """Raises ModelIntegrityError unless `data` has the SHA-256 digest `expected`."""
    if (actual := sha256(data)) != expected:
        raise ModelIntegrityError(f"{name} has SHA-256 {actual}, registered is {expected}.")


def read_head(data: bytes) -> "NDArray[np.float32]":
    """The classifier's weights, (labels, channels).

    Raises:
        ModelError: not an `.npy` file of finite float32 numbers with two axes. Pickles are refused.
    """
    try:
        weights = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelError(f"The head weights are not an .npy file: {error}") from None
    if not isinstance(weights, np.ndarray) or weights.dtype != np.float32 or weights.ndim != 2:
        raise ModelError("The head weights must be a float32 array with two axes (labels, channels).")
    if not np.isfinite(weights).all():
        raise ModelError("The head weights are not finite.")
    return weights
