"""Batches for training: shuffled, balanced and augmented, alike however many processes prepare them."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from training_job.config import FitConfig
from training_job.distributed import World
from training_job.errors import TrainingError
from training_job.pixels import Pixels
from training_job.trainer import ALONE, Batch
from triagelens.domain.manifest import InputSpec


def augmentation(config: FitConfig, fill: list[float]) -> v2.Transform:
    """Flips, then rotation, shift and zoom in one interpolation.

    Args:
        fill: colour (0..255) of what comes into view from outside.
    """
    flips: list[v2.Transform] = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()] if config.flip else []
    move = v2.RandomAffine(
        config.rotation,
        translate=(config.shift, config.shift),
        scale=(1 - config.zoom, 1 + config.zoom),
        interpolation=v2.InterpolationMode.BILINEAR,
        fill=fill,
    )
    return v2.Compose([*flips, move])


class _Augmented(Dataset[Batch]):
    """Images by place; what is done to one depends on the seed, the epoch and its place alone."""

    def __init__(
        self,
        pixels: Pixels,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        transform: v2.Transform,
        seeds: tuple[int, int],
    ) -> None:
        self._pixels, self._rows, self._targets = pixels, rows, targets
        self._transform, self._seeds = transform, seeds

    def __getitem__(self, place: int) -> Batch:
        image = torch.from_numpy(self._pixels[self._rows[place]].copy()).permute(2, 0, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(*self._seeds, place))
            return self._transform(image), torch.tensor(self._targets[place])


class TrainingBatches:
    """The training images, epoch by epoch.

    With `class_balancing: sampling`, images are drawn with replacement so that each label is as likely as
    any other. A last batch that would leave a process with one image or none is left out (batch
    statistics). Of several processes each takes every n-th image of a batch.
    """

    def __init__(
        self,
        pixels: Pixels,
        rows: NDArray[np.int64],
        targets: NDArray[np.int64],
        spec: InputSpec,
        config: FitConfig,
        device: torch.device,
        world: World = ALONE,
    ) -> None:
        if config.batch_size < 2 * world.size:
            raise TrainingError(f"{world.size} processes need a batch size of {2 * world.size} at least.")
        self._world = world
        self._pixels, self._rows, self._targets = pixels, rows, targets
        self._config, self._device = config, device
        self._transform = augmentation(config, [255 * value for value in spec.mean])
        mean, std = np.asarray(spec.mean), np.asarray(spec.std)
        self._gain = torch.tensor(spec.scale / std, dtype=torch.float32, device=device).reshape(3, 1, 1)
        self._offset = torch.tensor(-mean / std, dtype=torch.float32, device=device).reshape(3, 1, 1)

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._config.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        seeds = (self._config.seed, number)
        loader = DataLoader(
            _Augmented(self._pixels, self._rows, self._targets, self._transform, seeds),
            batch_sampler=self._plan(torch.Generator().manual_seed(_seed(*seeds))),
            num_workers=self._config.workers,
            pin_memory=self._device.type == "cuda",
            generator=torch.Generator(),  # the loader's own draws must not touch the run's
        )
        for images, targets in loader:
            moved = images.to(self._device, non_blocking=True, memory_format=torch.channels_last)
            yield moved * self._gain + self._offset, targets.to(self._device, non_blocking=True)

    def _plan(self, draw: torch.Generator) -> list[list[int]]:
        """The places of each batch, or of this process's part of it."""
        if self._config.class_balancing == "sampling":
            rarity = torch.from_numpy(1 / np.bincount(self._targets)[self._targets])
            order = torch.multinomial(rarity, len(rarity), replacement=True, generator=draw).tolist()
        else:
            order = torch.randperm(len(self._rows), generator=draw).tolist()
        size = self._config.batch_size
        plan = [order[start : start + size] for start in range(0, len(order), size)]
        whole = plan if len(plan[-1]) >= 2 * self._world.size else plan[:-1]
        return [places[self._world.rank :: self._world.size] for places in whole]


def class_weights(targets: NDArray[np.int64]) -> torch.Tensor:
    """Weights (labels,) under which each label counts as much as any other; their mean over images is 1."""
    counts = np.bincount(targets)
    return torch.tensor(len(targets) / (len(counts) * counts), dtype=torch.float32)


def _seed(*parts: int) -> int:
    """One 32-bit seed from several numbers, none of which can stand for another."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
