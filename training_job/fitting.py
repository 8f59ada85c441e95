"""The epochs of a run, wherever its images come from and whoever listens."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training_job.architectures import timm_name
from training_job.batches import TrainingBatches, class_weights
from training_job.calibrate import cross_entropy
from training_job.checkpoints import Checkpoint
from training_job.config import FitConfig
from training_job.distributed import World
from training_job.errors import StoppedError
from training_job.evaluate import Inputs
from training_job.material import Material
from training_job.measures import measure
from training_job.model import Classifier, build
from training_job.progress import Listener
from training_job.trainer import ALONE, Measured, Trainer
from training_job.weights import load_weights


@dataclass(frozen=True)
class Run:
    """What is trained, on what, and by how many processes.

    Attributes:
        config: settled; nothing in it is left open.
    """

    config: FitConfig
    material: Material
    world: World = ALONE

    @property
    def output(self) -> Path:
        """Where the run writes."""
        if self.config.output is None:
            raise ValueError("the settings are not settled")
        return self.config.output

    def set_up(self, device: torch.device) -> tuple[Trainer, TrainingBatches]:
        """The network with the weights that it begins with, and what it is trained on."""
        config, material, world = self.config, self.material, self.world
        architecture, side = timm_name(config.arch), material.spec.height
        model = build(architecture, len(material.labels), config.dropout, config.seed, side=side)
        if config.weights:
            load_weights(model, architecture, config.weights, material.labels)
        rows, targets = material.rows("train"), material.targets("train")
        source = TrainingBatches(material.pixels, rows, targets, material.spec, config, device, world)
        weights = class_weights(targets).to(device) if config.class_balancing == "loss" else None
        return Trainer(model, config, len(source), device, weights, world), source


def fit(
    run: Run, trainer: Trainer, source: TrainingBatches, checkpoint: Checkpoint, listener: Listener
) -> None:
    """Train to the end, with a checkpoint after each epoch.

    Raises:
        DivergedError: the loss is no longer a number.
        StoppedError: the listener wants no more.
    """
    listener.begin(run.config.epochs, len(source), trainer.epoch)
    try:
        while not trainer.finished:
            trainer.run_epoch(source, listener.step)
            if len(run.material.targets("validation")):
                trainer.judge(*run.world.share(lambda: _validated(run, trainer)))
            if run.world.first:
                checkpoint.save(trainer)
            listener.epoch(trainer.history[-1])
            if not run.world.share(listener.goes_on):
                raise StoppedError
    finally:
        listener.end()


def _validated(run: Run, trainer: Trainer) -> tuple[Measured, tuple[float, ...]]:
    inputs, targets = run.material.inputs("validation"), run.material.targets("validation")
    logits = answers(trainer.network, inputs, trainer.device, run.config.batch_size)
    return judged(logits, targets, run.material.labels)


def judged(
    logits: NDArray[np.float32], targets: NDArray[np.int64], labels: tuple[str, ...]
) -> tuple[Measured, tuple[float, ...]]:
    """What an epoch is worth on validation images: balanced accuracy first, then the loss."""
    loss = cross_entropy(logits, np.eye(len(labels))[targets], 1.0)
    balanced = measure(logits, targets, labels, 1.0).balanced_accuracy
    return {"validation_loss": round(loss, 4), "validation_balanced_accuracy": balanced}, (balanced, -loss)


def answers(
    network: Classifier, inputs: Inputs, device: torch.device, batch_size: int
) -> NDArray[np.float32]:
    """Logits (images, labels) of a network in training, as it would predict."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(inputs[start : start + batch_size]).to(device))[0].float().cpu().numpy()
            for start in range(0, len(inputs), batch_size)
        ]
    return np.concatenate(parts)
