"""Whether a model may be registered: everything that would keep it from serving, told at once."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from triagelens.domain.errors import ModelError
from triagelens.domain.models import Problem
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.package import read_head, read_manifest, sha256
from triagelens.inference.reading import ModelOutputError, scores
from triagelens.inference.session import LoadedModel
from triagelens.inference.signature import signature_problems
from triagelens.inference.structure import structural_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from triagelens.domain.manifest import Manifest
    from triagelens.inference.package import ModelPackage

MAX_MODEL_BYTES = 256 * 1024 * 1024
_PROBE_SIDE = 256
_PROBE_SEED = 20261123
_LOGITS_TOLERANCE = 1e-3


def verify_model(
    package: "ModelPackage", *, threads: int = 1, max_bytes: int = MAX_MODEL_BYTES
) -> list[Problem]:
    """The reasons to refuse the model; none means that it serves.

    Checks go from the cheap to the dear, and a later kind runs only where the earlier kinds found
    nothing, so that a file that may not be loaded is not loaded: manifest; size, digests and head
    weights; structure of the ONNX file; loading; inputs and outputs; predictions on probe images.

    Args:
        threads: for the probe runs.
        max_bytes: largest model file that is served.
    """
    try:
        manifest = read_manifest(package.manifest)
    except ModelError as error:
        return [Problem(code="manifest_invalid", message=str(error))]
    if problems := list(_file_problems(package, manifest, max_bytes)):
        return problems
    if problems := structural_problems(package.model):
        return problems
    return _problems_of_loading(package, threads)


def _file_problems(package: "ModelPackage", manifest: "Manifest", max_bytes: int) -> "Iterator[Problem]":
    if manifest.specialty not in SPECIALTIES:
        message = f"There is no specialty {manifest.specialty!r}; known are {', '.join(sorted(SPECIALTIES))}."
        yield Problem(code="unknown_specialty", message=message)
    if len(package.model) > max_bytes:
        message = f"The model has {len(package.model)} bytes; at most {max_bytes} are served."
        yield Problem(code="model_too_large", message=message)
    if (digest := sha256(package.model)) != manifest.sha256:
        message = f"model.onnx has SHA-256 {digest}, the manifest says {manifest.sha256}."
        yield Problem(code="digest_mismatch", message=message)
    yield from _head_problems(package.head, manifest)


def _head_problems(head: bytes | None, manifest: "Manifest") -> "Iterator[Problem]":
    named = manifest.explain.head_weights if manifest.explain else None
    if manifest.explain is None or named is None:
        if head is not None:
            yield Problem(
                code="head_unexpected", message="Head weights came that the manifest does not name."
            )
        return
    if head is None:
        message = f"The manifest names {named}, which did not come with the model."
        yield Problem(code="head_missing", message=message)
        return
    if (digest := sha256(head)) != manifest.explain.head_weights_sha256:
        message = f"{named} has SHA-256 {digest}, the manifest says {manifest.explain.head_weights_sha256}."
        yield Problem(code="digest_mismatch", message=message)
        return
    try:
        weights = read_head(head)
    except ModelError as error:
        yield Problem(code="head_invalid", message=str(error))
        return
    if weights.shape[0] != len(manifest.labels):
        message = f"The head weights have {weights.shape[0]} rows for {len(manifest.labels)} labels."
        yield Problem(code="head_shape", message=message)


def _problems_of_loading(package: "ModelPackage", threads: int) -> list[Problem]:
    try:
        loaded = LoadedModel.open(package, threads)
        problems = signature_problems(loaded.session, loaded.manifest)
    except ModelError as error:
        return [Problem(code="does_not_load", message=str(error))]
    except UnicodeDecodeError:  # ONNX Runtime decodes names only when it is asked for them
        return [Problem(code="does_not_load", message="The model holds names that are not UTF-8.")]
    return problems or _probe_problems(loaded)


def _probe_problems(loaded: LoadedModel) -> list[Problem]:
    """Predicts on made-up images, the way served images are predicted."""
    manifest = loaded.manifest
    rows: list[NDArray[np.float64]] = []
    try:
        for image in _probes():
            rows.append(scores(loaded.run(preprocess(image, manifest.input))[0], manifest, loaded.batch))
            loaded.predict(image)
    except ModelOutputError as error:
        return [Problem(code=error.code, message=str(error))]
    except ModelError as error:
        return [Problem(code="does_not_run", message=str(error))]
    if manifest.output.kind == "logits" and all(_are_probabilities(row) for row in rows):
        message = (
            f"Output {manifest.output.name!r} is declared as logits, but sums to 1 on every probe image: "
            "these are probabilities, and another softmax would flatten them. Say kind: probabilities."
        )
        return [Problem(code="output_kind", message=message)]
    return []


def _probes() -> "Iterator[Image.Image]":
    """A gradient, and noise of high and of low contrast.

    None is of one colour: a model that standardises each image divides by zero there, and no
    photograph is.
    """
    ramp = np.linspace(0, 255, _PROBE_SIDE, dtype=np.uint8)
    yield Image.fromarray(np.stack([np.tile(ramp, (_PROBE_SIDE, 1))] * 3, axis=-1))
    random = np.random.default_rng(_PROBE_SEED)
    for levels in (256, 32):
        yield Image.fromarray(random.integers(0, levels, (_PROBE_SIDE, _PROBE_SIDE, 3), dtype=np.uint8))


def _are_probabilities(row: "NDArray[np.float64]") -> bool:
    return bool(row.min() >= 0 and abs(row.sum() - 1) < _LOGITS_TOLERANCE)
