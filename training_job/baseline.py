"""Baseline models: from phantoms to files, in one deterministic run per specialty."""

import logging
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray

from training_job import phantom_sets
from training_job.calibrate import fit_temperature
from training_job.config import RELEASES, BaselineConfig
from training_job.evaluate import (
    Observed,
    balanced_accuracy,
    observe,
    open_session,
    predict,
    summary_output,
)
from training_job.export import ExportedModel, explain_spec, export, output_spec, sha256, write
from training_job.measures import for_manifest, measure
from training_job.model import Classifier, build
from training_job.phantom_batches import PhantomBatches
from training_job.phantoms import GENERATOR_VERSION
from training_job.promises import promised, sets_of, share_flagged
from training_job.trainer import Trainer, make_repeatable
from triagelens.domain.manifest import AbstainSpec, CalibrationSpec, Manifest, TrainingSpec
from triagelens.domain.specialties import specialty as find_specialty

logger = logging.getLogger(__name__)

LICENCE = "Apache-2.0"
INTENDED_USE = "demonstration only"


def make_baseline(config: BaselineConfig, output: Path) -> Manifest:
    """Generate, train, calibrate, export, check, measure and write one specialty's model.

    Args:
        output: folder that gets a folder of the specialty's name.

    Raises:
        ParityError: the exported model does not answer as the trained one.
    """
    labels = find_specialty(config.specialty).label_names
    make_repeatable(config.threads)
    logger.info("%s: rendering phantoms", config.name)
    train = _load(config, "train")
    model = fit(config, train, len(labels))
    validation = _load(config, "validation")
    exported = export(model, config.input, validation.inputs, config.threads)
    session = open_session(exported.onnx, config.threads)
    seen = observe(session, validation.inputs)
    temperature = fit_temperature(seen.logits, validation.targets)
    abstain = promised(
        seen,
        validation.targets,
        (observe(session, train.inputs), train.targets),
        temperature=temperature,
        coverage=config.coverage,
        output=summary_output(session),
    )
    held_out = _load(config, "held_out")
    answered = observe(session, held_out.inputs)
    metrics = for_manifest(measure(answered.logits, held_out.targets, labels, temperature))
    metrics |= _kept(abstain, answered, held_out.targets, temperature)
    metrics["parity_max_abs_diff"] = exported.parity
    if config.counts.phone:
        phone = _load(config, "phone")
        predicted = predict(session, phone.inputs).argmax(axis=1)
        metrics["phone_balanced_accuracy"] = round(
            balanced_accuracy(predicted, phone.targets, len(labels)), 4
        )
    manifest = _manifest(config, labels, exported, temperature, abstain, metrics)
    write(exported, manifest, output / config.specialty)
    logger.info("%s: %s", config.name, metrics)
    return manifest


def fit(config: BaselineConfig, examples: phantom_sets.Examples, labels: int) -> Classifier:
    """The baseline's network, fitted to examples."""
    model = build(config.backbone, labels, config.dropout, config.seed, stages_only=True)
    source = PhantomBatches(examples, config.batch_size, config.seed)
    trainer = Trainer(model, config.recipe(len(examples)), len(source), torch.device("cpu"))
    while not trainer.finished:
        measured = trainer.run_epoch(source)
        logger.info("epoch %d: %s", trainer.epoch, measured)
    return trainer.result()


def _load(config: BaselineConfig, role: phantom_sets.Role) -> phantom_sets.Examples:
    per_class: int = getattr(config.counts, role)
    read = phantom_sets.phone_working_image if role == "phone" else phantom_sets.working_image
    return phantom_sets.load(
        phantom_sets.phantoms(config.specialty, role, per_class, config.seed), config.input, read
    )


def _kept(
    abstain: AbstainSpec | None, seen: Observed, targets: NDArray[np.int64], temperature: float
) -> dict[str, float]:
    """How sets of labels and outliers come out on held-out phantoms."""
    found: dict[str, float] = {}
    sets, flagged = sets_of(abstain, seen, targets, temperature), share_flagged(abstain, seen)
    if sets is not None:
        found |= {"conformal_coverage": sets.coverage.value, "conformal_set_size": sets.mean_size}
    return found if flagged is None else found | {"outliers": flagged}


def _manifest(
    config: BaselineConfig,
    labels: tuple[str, ...],
    exported: ExportedModel,
    temperature: float,
    abstain: AbstainSpec | None,
    metrics: dict[str, float],
) -> Manifest:
    return Manifest(
        specialty=config.specialty,
        name=config.name,
        version=config.version,
        sha256=sha256(exported.onnx),
        created_at=RELEASES[config.version],
        labels=list(labels),
        input=config.input,
        output=output_spec(),
        explain=explain_spec(exported),
        calibration=CalibrationSpec(temperature=temperature),
        abstain=abstain,
        training=TrainingSpec(
            job=f"baseline --specialty {config.specialty} --seed {config.seed}",
            dataset_snapshot=f"phantoms-{GENERATOR_VERSION}-seed-{config.seed}",
            code_version=f"{config.backbone}, torch {torch.__version__}, timm {timm.__version__}",
            metrics=metrics,
        ),
        licence=LICENCE,
        intended_use=INTENDED_USE,
    )
