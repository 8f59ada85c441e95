"""What is served as evidence is Grad-CAM, for each network that people know.

The reference is Grad-CAM by its definition (Selvaraju et al., 2017), by automatic differentiation: timm's
whole network with its own pooling and classifier, a label's logit, its gradients with respect to what goes
into the pooling, their mean for each channel as the channel's weight, the weighted sum, ReLU. So all that a
network has between its last convolution and its pooling (batch normalisation, activation) is in it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from timm import create_model
from torch import nn

from training_job.architectures import KNOWN, input_spec
from training_job.export import PARITY_IMAGES, ExportedModel, explain_spec, export, output_spec, sha256
from training_job.model import Classifier, build
from training_job.phantoms import render
from triagelens.domain.manifest import InputSpec, Manifest
from triagelens.domain.prediction import FeatureGrid
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.package import ModelPackage
from triagelens.inference.session import LoadedModel

LABELS = ("akiec", "bcc", "mel", "nv")
TOLERANCE = 1e-4
PHOTOS = [render("skin", label, number, (320, 240)) for number, label in enumerate(("mel", "nv", "bcc"))]


def seen_by(spec: InputSpec) -> NDArray[np.float32]:
    """A batch of the photos and of noise, as the network sees them."""
    noise = np.random.default_rng(1).standard_normal((5, 3, spec.height, spec.width), np.float32)
    return np.concatenate([*(preprocess(photo, spec) for photo in PHOTOS), noise])


def lively(architecture: str, images: NDArray[np.float32]) -> Classifier:
    """A network as if it were trained: no channel is switched off, and statistics are of images.

    Its weights are such that float32 is good to about 1e-5 in its maps, as in trained networks: what is
    compared is the method, and not the rounding of fifty layers of noise.
    """
    network = build(architecture, len(LABELS), 0.2, seed=1)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.2, 0.6)
            nn.init.uniform_(part.bias, 0.0, 0.3)
            part.momentum = None  # the mean over what is seen, and nothing of what was before
    network.train()
    with torch.no_grad():
        network(torch.from_numpy(images))
    network.eval()
    return network


def served(exported: ExportedModel, spec: InputSpec) -> LoadedModel:
    """The exported files as the function that predicts opens them."""
    manifest = Manifest(
        specialty="skin",
        name="parity",
        version="1",
        sha256=sha256(exported.onnx),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        labels=list(LABELS),
        input=spec,
        output=output_spec(),
        explain=explain_spec(exported),
        licence="Apache-2.0",
        intended_use="tests",
    )
    return LoadedModel.open(ModelPackage(exported.onnx, manifest.model_dump_json().encode(), exported.head))


@dataclass(frozen=True)
class Reference:
    """Grad-CAM on timm's whole network, which nothing of ours has touched but its weights."""

    network: Any

    @classmethod
    def of(cls, architecture: str, trained: Classifier) -> "Reference":
        whole = create_model(architecture, pretrained=False, num_classes=len(LABELS)).eval()
        absent = whole.load_state_dict(trained.backbone.state_dict(), strict=False)
        assert not absent.unexpected_keys
        head = whole.get_classifier()
        assert all(whole.get_submodule(name.rpartition(".")[0]) is head for name in absent.missing_keys)
        head.load_state_dict(trained.head.state_dict())
        return cls(whole)

    def grad_cam(self, tensor: NDArray[np.float32], label: int) -> NDArray[np.float64]:
        """(rows, columns), 0 or more."""
        kept: list[torch.Tensor] = []

        def keep(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            inputs[0].retain_grad()
            kept.append(inputs[0])

        hook = self.network.global_pool.register_forward_pre_hook(keep)
        self.network(torch.from_numpy(tensor))[0, label].backward()
        hook.remove()
        [pooled] = kept
        assert pooled.grad is not None
        weights = pooled.grad[0].mean(dim=(1, 2), keepdim=True)
        cam: NDArray[np.float64] = (weights * pooled[0]).sum(0).clamp(min=0).detach().double().numpy()
        return cam


def normalised(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    return grid / grid.max() if grid.max() > 0 else grid


def stored(grid: FeatureGrid | None, label: str) -> NDArray[np.float64]:
    values = None if grid is None else grid.values(label)
    assert values is not None, f"no evidence is kept for {label}"
    return np.array(values)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_evidence_that_is_served_is_grad_cam_of_the_trained_network(name: str) -> None:
    architecture = KNOWN[name]
    spec = input_spec(architecture, None)
    images = seen_by(spec)
    trained = lively(architecture, images)
    exported = export(trained, spec, np.tile(images, (PARITY_IMAGES // len(images), 1, 1, 1)))
    model, reference = served(exported, spec), Reference.of(architecture, trained)
    spoken_for = 0
    for photo in PHOTOS:
        kept = model.predict(photo).features
        tensor = preprocess(photo, spec)
        for index, label in enumerate(LABELS):
            expected = normalised(reference.grad_cam(tensor, index))
            assert expected.shape[0] >= 7, "the network's own map, and not a coarser one"
            np.testing.assert_allclose(normalised(stored(kept, label)), expected, rtol=0, atol=TOLERANCE)
            spoken_for += int(expected.max() > 0 and expected.std() > 0.05)
    assert spoken_for >= 8, "most of the maps have something to compare"
