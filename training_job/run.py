"""A whole training run by hand: from a folder of images to a model with its manifest and its measures."""

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training_job.architectures import input_spec, timm_name
from training_job.batches import TrainingBatches, class_weights
from training_job.calibrate import cross_entropy
from training_job.checkpoints import Checkpoint
from training_job.config import TrainConfig
from training_job.dataset import Problem, find_images
from training_job.evaluate import Inputs
from training_job.material import Material, announce, counts
from training_job.measures import measure
from training_job.model import Classifier, build
from training_job.pixels import load_pixels
from training_job.progress import EpochProgress
from training_job.results import finish
from training_job.settling import begin, choose_labels, find_device, require_enough, settle
from training_job.trainer import Measured, Trainer, make_repeatable
from training_job.weights import load_weights
from training_job.working_images import WorkingImages, snapshot, take_in, write_lists
from triagelens.domain.manifest import Manifest

logger = logging.getLogger(__name__)


def train(config: TrainConfig, *, resume: bool = False) -> tuple[Manifest, Path]:
    """Train on a folder of images, or go on with a run that was interrupted.

    Returns:
        The model's manifest, and the folder that everything was written into.

    Raises:
        TrainingError: the images or the settings do not allow it; the message says what to change.
        ParityError: the exported model does not answer as the trained one.
    """
    make_repeatable(config.threads)
    device = find_device(config.device)
    config, material, problems = prepare(config)
    trainer, source = set_up(config, material, device)
    output = output_of(config)
    begin(config, output, resume=resume)
    write_lists(material.images, problems, output)
    identity = snapshot(material.images)
    checkpoint = Checkpoint(output, identity)
    if resume:
        checkpoint.restore(trainer)
    run_epochs(config, trainer, source, material, checkpoint, device)
    manifest = finish(config, material, trainer, identity, output)
    checkpoint.remove()
    logger.info("wrote %s", output)
    return manifest, output


def prepare(config: TrainConfig) -> tuple[TrainConfig, Material, list[Problem]]:
    """Take in the images and complete the settings."""
    working = WorkingImages(config.cache_dir)
    threads = config.threads or torch.get_num_threads()
    listing = find_images(config.data_dir)
    images, problems = take_in(listing, working, config.split_key, threads)
    announce(listing.folder, images, problems)
    specialty, labels = choose_labels({image.label for image in images}, config.specialty, listing.folder)
    require_enough(labels, counts(images, labels)["train"], len(images))
    spec = input_spec(timm_name(config.arch), config.image_size)
    pixels = load_pixels(images, working, spec, config.cache_dir, threads)
    return settle(config, specialty), Material(images, labels, pixels, spec), problems


def output_of(config: TrainConfig) -> Path:
    """Where a run with settled settings writes."""
    if config.output is None:
        raise ValueError("the settings are not settled")
    return config.output


def set_up(config: TrainConfig, material: Material, device: torch.device) -> tuple[Trainer, TrainingBatches]:
    """The network with the weights that it begins with, and what it is trained on."""
    architecture, side = timm_name(config.arch), material.spec.height
    model = build(architecture, len(material.labels), config.dropout, config.seed, side=side)
    if config.weights:
        load_weights(model, architecture, config.weights, material.labels)
    rows, targets = material.rows("train"), material.targets("train")
    source = TrainingBatches(material.pixels, rows, targets, material.spec, config, device)
    weights = class_weights(targets).to(device) if config.class_balancing == "loss" else None
    return Trainer(model, config, len(source), device, weights), source


def run_epochs(
    config: TrainConfig,
    trainer: Trainer,
    source: TrainingBatches,
    material: Material,
    checkpoint: Checkpoint,
    device: torch.device,
) -> None:
    """Train to the end, with a checkpoint after each epoch."""
    validation, targets = material.inputs("validation"), material.targets("validation")
    with EpochProgress(config.epochs, len(source), trainer.epoch) as progress:
        while not trainer.finished:
            trainer.run_epoch(source, progress.step)
            if len(targets):
                logits = answers(trainer.network, validation, device, config.batch_size)
                trainer.judge(*judged(logits, targets, material.labels))
            checkpoint.save(trainer)
            progress.epoch(trainer.history[-1])


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
