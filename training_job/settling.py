"""A run's settings: from a file and flags, completed by what the images and the machine say."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import torch
import yaml

from training_job.architectures import input_spec, timm_name
from training_job.arrangement import DatasetError
from training_job.atomic import write_bytes
from training_job.checkpoints import ResumeError
from training_job.config import FitConfig, TrainConfig
from training_job.errors import TrainingError
from training_job.export import MANIFEST_FILE
from training_job.names import slug
from triagelens.domain.specialties import SPECIALTIES

Settings = TypeVar("Settings", bound=FitConfig)

FILE = "config.yaml"
MIN_IMAGES = 5
_OF_THE_MACHINE = {"data_dir", "output", "cache_dir", "device", "threads", "workers"}
"""Settings that may differ when a run is gone on with; all others make another model."""


class SettingsError(TrainingError):
    """A file of settings cannot be used."""

    code = "invalid_settings"


def read_settings(path: Path) -> dict[str, object]:
    """The settings in a YAML file, unchecked."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise SettingsError(f"{path} must hold settings as `name: value` lines.")
    return content


def merge_settings(file: Path | None, flags: Mapping[str, object], *, resume: bool) -> TrainConfig:
    """Flags before the file's settings, and either before those that an interrupted run began with.

    Raises:
        ResumeError: a run is to be gone on with, but there is no telling which.
        pydantic.ValidationError: a setting is unknown or out of bounds.
    """
    settings = (read_settings(file) if file else {}) | dict(flags)
    if resume:
        if "output" not in settings:
            raise ResumeError("--resume needs --output: the folder of the run to go on with.")
        begun = Path(str(settings["output"])) / FILE
        settings = (read_settings(begun) if begun.exists() else {}) | settings
    return TrainConfig.model_validate(settings)


def choose_labels(found: set[str], wanted: str | None, folder: Path) -> tuple[str, tuple[str, ...]]:
    """The specialty and its labels in order; a folder of unknown labels is a specialty of its own name.

    Raises:
        DatasetError: fewer than two labels, or some that the specialty asked for does not have.
    """
    if len(found) < 2:
        raise DatasetError(f"Training needs at least two classes; there is {', '.join(found) or 'none'}.")
    if wanted is None:
        exact = [entry.name for entry in SPECIALTIES.values() if set(entry.label_names) == found]
        wanted = exact[0] if exact else slug(folder.name) or "images"
    if wanted not in SPECIALTIES:
        return wanted, tuple(sorted(found))
    known = SPECIALTIES[wanted].label_names
    unknown = sorted(found - set(known))
    if unknown:
        raise DatasetError(
            f"{', '.join(unknown)}: not a label of {wanted}, which has {', '.join(known)}. "
            "Rename the labels, or give --specialty a name of its own."
        )
    return wanted, tuple(name for name in known if name in found)


def threads_of(config: FitConfig) -> int:
    """How many threads the run has on the CPU."""
    return config.threads or torch.get_num_threads()


def settle(config: Settings, specialty: str) -> Settings:
    """The same settings with nothing left open."""
    name = config.name or slug(f"{specialty}-{config.arch}")
    version = config.version or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    architecture = timm_name(config.arch)
    return config.model_copy(
        update={
            "specialty": specialty,
            "name": name,
            "version": version,
            "image_size": input_spec(architecture, config.image_size).height,
            "output": config.output or Path("build/models", name, version),
            "threads": threads_of(config),
        }
    )


def begin(config: FitConfig, output: Path, *, resume: bool) -> None:
    """Write the settings into the output folder, or compare them with those of the run found there.

    Raises:
        ResumeError: there is a run and it is not to be gone on with, or it was begun differently.
    """
    path = output / FILE
    settings = config.model_dump(mode="json")
    if path.exists():
        if not resume:
            raise ResumeError(
                f"A run was begun in {output}: go on with it (--resume), or choose another --output."
            )
        begun = read_settings(path)
        different = [name for name in settings if settings[name] != begun.get(name)]
        changed = sorted(set(different) - _OF_THE_MACHINE)
        if changed:
            raise ResumeError(f"The run in {output} was begun with another {', '.join(changed)}.")
        if (output / MANIFEST_FILE).exists():
            raise ResumeError(f"The run in {output} is finished.")
    write_settings(config, output)


def write_settings(config: FitConfig, output: Path) -> None:
    """Keep the settings beside what comes of them."""
    settings = config.model_dump(mode="json")
    write_bytes(output / FILE, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode())


def find_device(wanted: str) -> torch.device:
    """The graphics card if there is one, unless told otherwise."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise SettingsError("There is no graphics card that PyTorch can use here; leave --device at auto.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def require_enough(labels: Sequence[str], training: Mapping[str, int], images: int) -> None:
    """Refuse sets that nothing can be learnt from.

    Args:
        training: how many training images each label has.
    """
    if images < MIN_IMAGES:
        raise DatasetError(f"Training needs at least {MIN_IMAGES} images; there are {images}.")
    without = [label for label in labels if not training.get(label)]
    if without:
        raise DatasetError(
            f"No image of {', '.join(without)} is in the training set (70 % of the patients, lesions or "
            "images, by a hash of their names): more images of it are needed."
        )
