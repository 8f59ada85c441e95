"""The weights that a job begins with, where they are those of a registered model."""

import hashlib
from pathlib import Path

from training_job.atomic import write_bytes
from training_job.errors import WeightsError
from training_job.jobs.ports import TrainingPorts, output_key
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import is_id
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelFiles
from triagelens.domain.training_settings import PRETRAINED, PRODUCTION
from triagelens.inference.package import read_manifest, require_digest

WEIGHTS_FILE = "weights.safetensors"


def base_weights(base_model: str | None, specialty: str, ports: TrainingPorts, folder: Path) -> str | None:
    """What `weights` is to be set to; a registered model's are fetched into `folder`.

    Args:
        base_model: `production`, a registered version, `timm`, a `.safetensors` file here or at s3://, or
            None.

    Raises:
        WeightsError: the model has no weights to begin with, or they are gone.
        NotFoundError: there is no such version.
        ModelIntegrityError: the manifest is not the one that was registered.
    """
    if base_model in (None, PRETRAINED) or str(base_model).endswith(".safetensors"):
        return base_model
    files = _files(str(base_model), specialty, ports)
    manifest = _manifest(files, ports)
    training = manifest.training
    if training is None or training.weights_sha256 is None or not is_id(training.job or ""):
        raise WeightsError(
            f"Version {files.version} of {specialty} was not trained here: it came as ONNX alone, which "
            "training cannot begin with. Begin with the weights of timm's hub (`timm`), or with none."
        )
    try:
        weights = ports.learning.read(output_key(str(training.job), WEIGHTS_FILE))
    except NotFoundError as error:
        raise WeightsError(f"The weights of version {files.version} of {specialty} are gone.") from error
    if hashlib.sha256(weights).hexdigest() != training.weights_sha256:
        raise WeightsError(f"The weights of version {files.version} of {specialty} have changed.")
    path = folder / f"base-{training.weights_sha256[:16]}.safetensors"
    write_bytes(path, weights)
    return str(path)


def _files(base_model: str, specialty: str, ports: TrainingPorts) -> ModelFiles:
    if base_model != PRODUCTION:
        return ports.registry.model(specialty, base_model)
    pointer = ports.registry.production(specialty)
    if pointer is None:
        raise WeightsError(f"No model of {specialty} is in production to begin with.")
    return pointer


def _manifest(files: ModelFiles, ports: TrainingPorts) -> Manifest:
    data = ports.models.read(files.manifest_key, files.manifest_object_version)
    require_digest(data, files.manifest_sha256, files.manifest_key)
    return read_manifest(data)
