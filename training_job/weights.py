"""Weights to begin with, from safetensors files only: a pickle can run code, so none is opened."""

import json
import tempfile
from pathlib import Path
from typing import cast

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from training_job.architectures import hub_repository
from training_job.errors import WeightsError
from training_job.model import Classifier
from training_job.s3_weights import fetch_weights

HUB = "timm"
FILE = "weights.safetensors"
LABELS = "labels"  # in the file's metadata; only files of ours have them
_NAMED = 3


def load_weights(model: Classifier, architecture: str, source: str, labels: tuple[str, ...]) -> None:
    """Begin with the weights of a file: one of timm's for the whole architecture, or one of ours.

    The head is taken over only from a network of ours with the same labels in the same order.

    Args:
        source: path or `s3://` address of a `.safetensors` file, or `timm` for the weights on its hub.

    Raises:
        WeightsError: there is no such file, it is of another kind, or it is for another network.
    """
    with tempfile.TemporaryDirectory() as folder:
        tensors, described = _read(_located(source, architecture, Path(folder)))
    if LABELS in described:
        _take(model.backbone, _below("backbone.", tensors), source)
        if json.loads(described[LABELS]) == list(labels):
            model.head.load_state_dict(_below("head.", tensors))
    else:
        _take(model.backbone, _without_classifier(model, tensors), source)


def _located(source: str, architecture: str, folder: Path) -> Path:
    if source == HUB:
        return _download(architecture)
    if not source.endswith(".safetensors"):
        raise WeightsError(f"{source}: weights are read from .safetensors files only.")
    return fetch_weights(source, folder) if source.startswith("s3://") else Path(source)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a file."""
    try:
        with safe_open(path, framework="pt") as file:
            described = dict(file.metadata() or {})
        return {name: tensor.clone() for name, tensor in load_file(path).items()}, described
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error


def _below(stem: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name[len(stem) :]: tensor for name, tensor in tensors.items() if name.startswith(stem)}


def _without_classifier(model: Classifier, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    named = cast("dict[str, str | tuple[str, ...]]", model.backbone.pretrained_cfg).get("classifier", ())
    stems = (named,) if isinstance(named, str) else tuple(named)
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(tuple(f"{stem}." for stem in stems))
    }


def _take(network: torch.nn.Module, tensors: dict[str, torch.Tensor], path: str) -> None:
    try:
        missing, unexpected = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"{path} holds weights of another network: {error}") from error
    for kind, names in (("lacks", missing), ("has besides", unexpected)):
        if names:
            listed = ", ".join(names[:_NAMED])
            raise WeightsError(f"{path} holds weights of another network: it {kind} {listed}, ...")


def _download(architecture: str) -> Path:
    repository = hub_repository(architecture)
    if repository is None:
        raise WeightsError(f"timm's hub has no weights for {architecture}.")
    try:
        return Path(hf_hub_download(repository, "model.safetensors"))
    except OSError as error:
        raise WeightsError(
            f"The weights of {architecture} cannot be fetched from timm's hub ({repository}): {error}\n"
            "Where the network does not allow it, give --weights a .safetensors file."
        ) from error


def serialise(model: Classifier, labels: tuple[str, ...]) -> bytes:
    """The network's weights as safetensors, for a later run to begin with."""
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    return bytes(save(tensors, metadata={LABELS: json.dumps(labels)}))
