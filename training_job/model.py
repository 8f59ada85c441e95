"""The network: a timm architecture without its head, average pooling and one linear layer.

Pooling and a linear head, with nothing between, make class activation mapping exact: the logits are the
mean over the feature map of what the head sees at each place.
"""

import torch
from timm import create_model
from torch import nn

from training_job.architectures import ArchitectureError

_PROBE = 64  # pixels: enough for any architecture to say what its feature map is like


class Classifier(nn.Module):
    """Gives logits (batch, labels) and features (batch, channels, rows, columns)."""

    def __init__(
        self,
        backbone: str,
        labels: int,
        dropout: float = 0.0,
        *,
        side: int = _PROBE,
        stages_only: bool = False,
    ) -> None:
        super().__init__()
        self.stages_only = stages_only
        self.backbone = _headless(backbone, stages_only=stages_only)
        channels = self._channels(backbone, side)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, labels)
        nn.init.zeros_(self.head.bias)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self._features(image)
        logits: torch.Tensor = self.head(self.dropout(features.mean(dim=(2, 3))))
        return logits, features

    def _features(self, image: torch.Tensor) -> torch.Tensor:
        answer = self.backbone(image)
        features: torch.Tensor = answer[-1] if self.stages_only else answer
        return features

    def _channels(self, name: str, side: int) -> int:
        self.backbone.eval()  # a look at zeros must not count in the batch statistics
        try:
            with torch.no_grad():
                shape = self._features(torch.zeros(1, 3, side, side)).shape
        except (AssertionError, RuntimeError) as error:
            raise ArchitectureError(f"{name} cannot take images of {side} pixels: {error}") from error
        self.backbone.train()
        if len(shape) != 4 or (shape[1] <= shape[2] and shape[1] < shape[3]):
            raise ArchitectureError(
                f"{name} has no feature map (batch, channels, rows, columns), so nothing could be explained."
            )
        return int(shape[1])


def _headless(name: str, *, stages_only: bool) -> nn.Module:
    if stages_only:  # not even the convolution that some architectures put between stages and pooling
        stages: nn.Module = create_model(name, pretrained=False, features_only=True, out_indices=(-1,))
        return stages
    whole: nn.Module = create_model(name, pretrained=False, num_classes=0, global_pool="")
    return whole


def build(
    backbone: str, labels: int, dropout: float, seed: int, *, side: int = _PROBE, stages_only: bool = False
) -> Classifier:
    """A freshly initialised network; the same seed gives the same weights.

    Raises:
        ArchitectureError: it takes no images of `side` pixels or has no feature map.
    """
    torch.manual_seed(seed)
    return Classifier(backbone, labels, dropout, side=side, stages_only=stages_only)
