"""A model as it is stored: `model.onnx`, `manifest.json` and, for some, the head's weights."""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import ValidationError

from triagelens.domain.errors import ModelError, ModelIntegrityError
from triagelens.domain.manifest import Manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

# numpy's format, version 1.0: magic, version, two bytes of header length, then a Python literal.
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f4', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<rows>\d{1,9}), (?P<columns>\d{1,9})\), \} *\n",
    re.DOTALL,
)


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

    The one header that is accepted is matched rather than evaluated: `numpy.load` would allocate
    whatever size a header claims before it reads.

    Raises:
        ModelError: not what `numpy.save` writes of a finite float32 matrix.
    """
    header = _NPY_HEADER.match(data)
    if header is None:
        raise ModelError("The head weights must be a float32 matrix (labels, channels) saved by numpy.save.")
    rows, columns = int(header["rows"]), int(header["columns"])
    if len(data) - header.end() != rows * columns * 4 or rows * columns == 0:
        raise ModelError(f"The head weights do not hold the {rows} x {columns} numbers that they announce.")
    order: Literal["C", "F"] = "F" if header["fortran"] == b"True" else "C"
    weights = np.frombuffer(data, "<f4", offset=header.end()).reshape((rows, columns), order=order)
    if not np.isfinite(weights).all():
        raise ModelError("The head weights are not finite.")
    return weights
