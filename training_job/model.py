"""The network: the feature stages of a timm architecture, average pooling and one linear layer.

Pooling and a linear head, with nothing between, make class activation mapping exact: the logits are the
mean over the feature map of what the head sees at each place.
"""

from typing import TYPE_CHECKING, cast

import timm
import torch
from torch import nn

if TYPE_CHECKING:
    from timm.models import FeatureInfo


class Classifier(nn.Module):
    """Gives logits (batch, labels) and features (batch, channels, rows, columns)."""

    def __init__(self, backbone: str, labels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = timm.create_model(backbone, pretrained=False, features_only=True, out_indices=(-1,))
        channels = cast("FeatureInfo", self.backbone.feature_info).channels()[-1]
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, labels)
        nn.init.zeros_(self.head.bias)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features: torch.Tensor = self.backbone(image)[-1]
        logits: torch.Tensor = self.head(self.dropout(features.mean(dim=(2, 3))))
        return logits, features


def build(backbone: str, labels: int, dropout: float, seed: int) -> Classifier:
    """A freshly initialised network; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return Classifier(backbone, labels, dropout)
