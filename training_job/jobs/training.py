"""A training job: from its record and a snapshot to a model that is handed to the registry."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

from training_job.architectures import input_spec, timm_name
from training_job.arrangement import Problem
from training_job.checkpoints import Checkpoint, CheckpointStore, FileStore, ResumeError
from training_job.config import FitConfig
from training_job.distributed import World
from training_job.errors import StoppedError, TrainingError
from training_job.fitting import Run, fit
from training_job.jobs.base_weights import base_weights
from training_job.jobs.checkpoints import AttemptCheckpoints
from training_job.jobs.hand_over import hand_over, handed_over
from training_job.jobs.images import fetch_images, read_snapshot, snapshot_of
from training_job.jobs.listening import JobListener
from training_job.jobs.ports import TrainingPorts
from training_job.material import Material, announce, counts
from training_job.pixels import load_pixels
from training_job.progress import Listener, Nobody
from training_job.results import finish
from training_job.settling import (
    SettingsError,
    choose_labels,
    find_device,
    require_enough,
    settle,
    threads_of,
    write_settings,
)
from training_job.trainer import ALONE, Trainer, make_repeatable
from training_job.working_images import TrainingImage, WorkingImages, snapshot, write_lists
from triagelens.domain.errors import FencedError
from triagelens.domain.training_jobs import Report, TrainingJob
from triagelens.domain.training_settings import TrainingSettings

logger = logging.getLogger(__name__)
_MOST_WORKERS = 8


class OutOfMemoryError(TrainingError):
    """The GPU's memory does not suffice."""

    code = "out_of_memory"


@dataclass(frozen=True)
class Plan:
    """What every process of a training has to know; plain data, to be sent to the others.

    Attributes:
        identity: of the snapshot as it was made.
    """

    config: FitConfig
    images: list[TrainingImage]
    labels: tuple[str, ...]
    identity: str


def train_job(job: TrainingJob, ports: TrainingPorts, world: World = ALONE) -> Report:
    """Train, measure, hand over; what the record is to say at the end.

    Raises:
        TrainingError: it cannot be done; the message says what to change.
        StoppedError, FencedError: the job is no longer this attempt's.
    """
    if handed_over(job, ports):
        world.share(lambda: None)
        return Report(message="Completed")
    listener = JobListener(ports.jobs, job, alone=world.alone)
    try:
        plan = prepare(job, ports, listener)
    except (FencedError, StoppedError):
        world.share(lambda: None)  # the others need not wait
        raise
    store = AttemptCheckpoints(ports.learning, job.job_id, job.attempt)
    run, trainer = follow(world.share(lambda: plan), world, store, listener)
    manifest = finish(run, trainer, plan.identity, listener, job.job_id)
    told = hand_over(job, manifest, run.output, ports)
    store.remove()
    return told


def help_out(world: World) -> None:
    """What all processes but the first do."""
    plan: Plan | None = world.share(lambda: None)
    if plan is not None:
        follow(plan, world, FileStore(images_folder(plan.config)), Nobody())


def follow(plan: Plan, world: World, store: CheckpointStore, listener: Listener) -> tuple[Run, Trainer]:
    """Train as planned, from the last checkpoint on; what every process of a training does."""
    config = plan.config
    make_repeatable(config.threads)
    device = find_device(config.device)
    spec = input_spec(timm_name(config.arch), config.image_size)
    working = images_in(config)
    pixels = load_pixels(plan.images, working, spec, config.cache_dir, threads_of(config))
    run = Run(config, Material(plan.images, plan.labels, pixels, spec), world)
    try:
        trainer, source = run.set_up(device)
        checkpoint = Checkpoint(store, snapshot(plan.images))  # without those that were erased meanwhile
        try:
            checkpoint.restore(trainer, world)
        except ResumeError as error:
            logger.warning("%s It begins anew.", error)
        fit(run, trainer, source, checkpoint, listener)
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"The GPU's memory does not hold a batch of {config.batch_size} images of {spec.height} pixels: "
            "choose a smaller batch_size or image_size."
        ) from error
    world.leave()
    return run, trainer


def prepare(job: TrainingJob, ports: TrainingPorts, listener: JobListener) -> Plan:
    """Settle everything and fill the caches."""
    listener.stage("Fetching images")
    config = config_of(job, ports)
    snapshot_id = snapshot_of(job, ports)
    entries = read_snapshot(snapshot_id, ports)
    images, problems = fetch_images(entries, ports, images_in(config), listener.step)
    announce(Path(snapshot_id), images, problems)
    specialty, labels = choose_labels({image.label for image in images}, config.specialty, Path(snapshot_id))
    require_enough(labels, counts(images, labels)["train"], len(images))
    listener.stage("Preparing images")
    spec = input_spec(timm_name(config.arch), config.image_size)
    load_pixels(images, images_in(config), spec, config.cache_dir, threads_of(config), listener.step)
    settled = settle(config, specialty)
    _write_down(settled, images, problems)
    return Plan(settled, images, labels, snapshot_id)


def config_of(job: TrainingJob, ports: TrainingPorts) -> FitConfig:
    """The settings of a job, as the script takes them.

    The version follows from the job alone, so that no attempt makes a second one.

    Raises:
        SettingsError: the job's settings are not what they should be.
        WeightsError: the weights to begin with cannot be had.
    """
    try:
        asked = TrainingSettings.model_validate(job.config)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"The job's settings are not valid: {wrong}") from error
    folder = ports.folder / "jobs" / job.job_id / str(job.attempt)
    given = asked.model_dump(exclude={"architecture", "base_model"})
    return FitConfig.model_validate(
        given
        | {
            "arch": asked.architecture,
            "weights": base_weights(asked.base_model, job.specialty, ports, folder),
            "specialty": job.specialty,
            "version": f"{job.created_at:%Y%m%d-%H%M%S}-{job.job_id[-6:]}",
            "output": folder,
            "cache_dir": ports.folder / "training-cache",
            "workers": _workers(),
        }
    )


def _workers() -> int:
    """Processes that prepare batches for one GPU; none where the CPU itself learns."""
    gpus = torch.cuda.device_count()
    return min(_MOST_WORKERS, max(1, (os.cpu_count() or 1) // gpus)) if gpus else 0


def images_in(config: FitConfig) -> WorkingImages:
    """Working images by their own digest, apart from those that are named by the file they were made of."""
    return WorkingImages(images_folder(config))


def images_folder(config: FitConfig) -> Path:
    return config.cache_dir / "learning"


def _write_down(config: FitConfig, images: list[TrainingImage], problems: list[Problem]) -> None:
    if config.output is None:
        raise ValueError("the settings are not settled")
    write_settings(config, config.output)
    write_lists(images, problems, config.output)
