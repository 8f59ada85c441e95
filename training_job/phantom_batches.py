"""Batches of phantoms for the baselines, moved, turned and differently exposed all at once."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from training_job.phantom_sets import Examples
from training_job.trainer import Batch


class PhantomBatches:
    """All examples once per epoch, shuffled; a last batch of one is left out (batch statistics)."""

    def __init__(self, examples: Examples, size: int, seed: int) -> None:
        self._examples, self._size = examples, size
        self._draw = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self._examples) / self._size)

    def epoch(self, number: int) -> Iterator[Batch]:
        order = torch.randperm(len(self._examples), generator=self._draw).numpy()
        for start in range(0, len(order), self._size):
            chosen = np.sort(order[start : start + self._size])
            if len(chosen) > 1:
                images = torch.from_numpy(self._examples.inputs[chosen])
                yield augment(images, self._draw), torch.from_numpy(self._examples.targets[chosen])


def augment(images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Mirrored, turned, scaled, shifted and differently exposed copies of a batch (n, 3, height, width)."""
    count = len(images)

    def between(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=draw)

    angle, zoom = between(-0.2, 0.2), between(0.85, 1.15)
    mirror = torch.where(torch.rand(count, generator=draw) < 0.5, -1.0, 1.0)
    shift = between(-0.12, 0.12, 2)
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    rows = (
        torch.stack([cosine * mirror, -sine, shift[:, 0]], dim=1),
        torch.stack([sine * mirror, cosine, shift[:, 1]], dim=1),
    )
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain, offset = between(0.8, 1.2, 3, 1, 1), between(-0.15, 0.15, 1, 1, 1)
    return (moved * gain + offset).clamp(-1, 1)
