"""Networks under the names that people know, and any other that timm has."""

import difflib
from typing import TYPE_CHECKING

import timm
from timm.models import get_pretrained_cfg

from training_job.errors import TrainingError
from triagelens.domain.manifest import InputSpec

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

KNOWN = {
    "DenseNet169": "densenet169",
    "ResNet18": "resnet18",
    "ResNet50": "resnet50",
    "MobileNetV2": "mobilenetv2_100",
    "EfficientNet-B0": "efficientnet_b0",
    "EfficientNet-B3": "efficientnet_b3",
}
"""Known name -> timm's name; DenseNet169 is the one to begin with."""

_BORDER = 8 / 7  # the shortest side is resized to this times the crop, as is usual for these networks


class ArchitectureError(TrainingError):
    """There is no such network, or it cannot be used here."""

    code = "architecture_unusable"


def timm_name(name: str) -> str:
    """timm's name of a network; case, hyphens and underscores of the known names do not count.

    Raises:
        ArchitectureError: neither is it a known name nor one of timm's.
    """
    for known, architecture in KNOWN.items():
        if _plain(known) == _plain(name):
            return architecture
    if timm.is_model(name):
        return name
    similar = difflib.get_close_matches(name.lower(), timm.list_models(), n=3)
    hint = f" Similar names in timm: {', '.join(similar)}." if similar else ""
    raise ArchitectureError(f"There is no architecture {name!r}. Known: {', '.join(KNOWN)}.{hint}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def input_spec(architecture: str, side: int | None) -> InputSpec:
    """What a network is fed: colours as in its pretraining, a square of its usual side unless told."""
    known = _pretraining(architecture)
    crop = side or known.input_size[-1]
    return InputSpec(
        name="image",
        height=crop,
        width=crop,
        resize="shortest_side",
        resize_to=round(crop * _BORDER),
        mean=list(known.mean),
        std=list(known.std),
    )


def hub_repository(architecture: str) -> str | None:
    """Where timm keeps pretrained weights of a network, if anywhere."""
    return _pretraining(architecture).hf_hub_id or None


def _pretraining(architecture: str) -> "PretrainedCfg":
    found = get_pretrained_cfg(architecture)
    if found is None:
        raise ArchitectureError(f"timm does not say what {architecture} is fed.")
    return found
