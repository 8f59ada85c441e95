"""A whole training run by hand: from a folder of images to a model with its manifest and its measures."""

import logging
from pathlib import Path

from training_job.architectures import input_spec, timm_name
from training_job.arrangement import Problem
from training_job.checkpoints import Checkpoint, FileStore
from training_job.config import TrainConfig
from training_job.dataset import find_images
from training_job.distributed import World
from training_job.fitting import Run, fit
from training_job.material import Material, announce, counts
from training_job.pixels import load_pixels
from training_job.progress import EpochBar, Listener, Nobody
from training_job.results import finish
from training_job.settling import begin, choose_labels, find_device, require_enough, settle, threads_of
from training_job.snapshots import images_in, snapshot_in
from training_job.trainer import ALONE, make_repeatable
from training_job.working_images import WorkingImages, snapshot, take_in, write_lists
from triagelens.domain.manifest import Manifest

logger = logging.getLogger(__name__)


def train(config: TrainConfig, *, resume: bool = False, world: World = ALONE) -> tuple[Manifest, Path] | None:
    """Train on a folder of images, or go on with a run that was interrupted.

    Returns:
        The model's manifest, and the folder that everything was written into; None in all processes but
        the first.

    Raises:
        TrainingError: the images or the settings do not allow it; the message says what to change.
        ParityError: the exported model does not answer as the trained one.
    """
    make_repeatable(config.threads)
    device = find_device(config.device)
    run, problems, identity = prepare_in_turn(config, world)
    told: Listener = EpochBar() if world.first else Nobody()
    trainer, source = run.set_up(device)
    if world.first:
        begin(run.config, run.output, resume=resume)
        write_lists(run.material.images, problems, run.output)
    checkpoint = Checkpoint(FileStore(run.output), identity)
    if resume:
        checkpoint.restore(trainer, world)
    fit(run, trainer, source, checkpoint, told)
    if not world.first:
        return None
    manifest = finish(run, trainer, identity, told)
    checkpoint.remove()
    logger.info("wrote %s", run.output)
    return manifest, run.output


def prepare_in_turn(config: TrainConfig, world: World) -> tuple[Run, list[Problem], str]:
    """What each process trains on. The first fills the caches, the others find them filled.

    Returns:
        The run, what was left out of the images, and the name of their snapshot.
    """
    if world.first:
        run, problems = prepare(config, world)
        settled = world.share(lambda: run.config)
    else:
        settled = world.share(lambda: config)
        run, problems = prepare(config.model_copy(update=settled.model_dump()), world)
    return run, problems, snapshot(run.material.images)


def prepare(config: TrainConfig, world: World = ALONE) -> tuple[Run, list[Problem]]:
    """Take in the images and complete the settings."""
    working = WorkingImages(config.cache_dir)
    threads = threads_of(config)
    made = snapshot_in(config.data_dir)
    folder, wanted, problems = config.data_dir, config.specialty, list[Problem]()
    if made is not None:
        wanted = wanted or made.specialty
        images = images_in(folder, made, working)
    else:
        listing = find_images(folder)
        folder = listing.folder
        images, problems = take_in(listing, working, config.split_key, threads)
    if world.first:
        announce(folder, images, problems)
    specialty, labels = choose_labels({image.label for image in images}, wanted, folder)
    require_enough(labels, counts(images, labels)["train"], len(images))
    spec = input_spec(timm_name(config.arch), config.image_size)
    pixels = load_pixels(images, working, spec, config.cache_dir, threads)
    return Run(settle(config, specialty), Material(images, labels, pixels, spec), world), problems
