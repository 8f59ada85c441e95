"""Fitting a network to examples."""

import logging
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training_job.config import Schedule
from training_job.model import Classifier
from training_job.phantom_sets import Examples

logger = logging.getLogger(__name__)


def make_repeatable(threads: int) -> None:
    """Choose deterministic algorithms and a fixed number of threads for this process."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)


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


def batches(
    examples: Examples, size: int, draw: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All examples once, shuffled; a last batch of a single example is left out (batch statistics)."""
    order = torch.randperm(len(examples), generator=draw).numpy()
    for start in range(0, len(order), size):
        chosen = np.sort(order[start : start + size])
        if len(chosen) > 1:
            yield torch.from_numpy(examples.inputs[chosen]), torch.from_numpy(examples.targets[chosen])


def fit(model: Classifier, examples: Examples, schedule: Schedule, seed: int) -> list[dict[str, float]]:
    """Train the model in place.

    Returns:
        For each epoch its mean loss and its accuracy on augmented training images.
    """
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    per_epoch = math.ceil(len(examples) / schedule.batch_size)
    epochs = math.ceil(schedule.steps / per_epoch)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=epochs * per_epoch
    )
    history: list[dict[str, float]] = []
    for epoch in range(epochs):
        history.append(_train_one_epoch(model, examples, schedule, optimiser, rate, draw))
        logger.info("epoch %d of %d: %s", epoch + 1, epochs, history[-1])
    model.eval()
    return history


def _train_one_epoch(
    model: Classifier,
    examples: Examples,
    schedule: Schedule,
    optimiser: torch.optim.Optimizer,
    rate: torch.optim.lr_scheduler.LRScheduler,
    draw: torch.Generator,
) -> dict[str, float]:
    criterion = nn.CrossEntropyLoss(label_smoothing=schedule.label_smoothing)
    model.train()
    loss_sum, correct, seen = 0.0, 0, 0
    for images, targets in batches(examples, schedule.batch_size, draw):
        logits, _ = model(augment(images, draw))
        loss = criterion(logits, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        seen += len(targets)
        loss_sum += float(loss.detach()) * len(targets)
        correct += int((logits.argmax(1) == targets).sum())
    return {"loss": round(loss_sum / seen, 4), "accuracy": round(correct / seen, 4)}
