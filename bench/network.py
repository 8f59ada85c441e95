"""ResNet50 with random weights: time does not depend on them."""

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torchvision.models import ResNet, resnet50

from bench.materials import LABELS, SIDE, input_spec

if TYPE_CHECKING:
    from bench.materials import Materials

_OPSET = 18


class _WithFeatures(nn.Module):
    """The network with its last feature map as a second output, as the platform's own exports have it."""

    def __init__(self, network: ResNet) -> None:
        super().__init__()
        self.features = nn.Sequential(*list(network.children())[:-2])
        self.head = network.fc

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features: torch.Tensor = self.features(image)
        logits: torch.Tensor = self.head(features.mean(dim=(2, 3)))
        return logits, features


def network() -> ResNet:
    return resnet50(num_classes=len(LABELS)).eval()


def export(materials: "Materials", seed: int) -> None:
    """Writes the weights, the ONNX file and the head's weights."""
    torch.manual_seed(seed)
    made = network()
    torch.save(made.state_dict(), materials.weights)
    head = io.BytesIO()
    np.save(head, made.fc.weight.detach().numpy().astype("<f4"))
    materials.head.write_bytes(head.getvalue())
    program = torch.onnx.export(
        _WithFeatures(made).eval(),
        (torch.zeros(1, 3, SIDE, SIDE),),
        input_names=[input_spec().name],
        output_names=["logits", "features"],
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter returned no program")
    materials.onnx.write_bytes(program.model_proto.SerializeToString())
