"""What a run leaves: the exported model, how it was calibrated and measured, and its manifest."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training_job.atomic import write_bytes
from training_job.calibrate import fit_temperature
from training_job.config import TrainConfig
from training_job.evaluate import open_session, predict
from training_job.export import PARITY_IMAGES, ExportedModel, explain_spec, export, output_spec, sha256, write
from training_job.material import Material
from training_job.measures import Measures, for_manifest, measure
from training_job.report import Judged, render
from training_job.trainer import Measured, Trainer
from training_job.weights import FILE as WEIGHTS_FILE
from training_job.weights import serialise
from triagelens.domain.manifest import CalibrationSpec, Manifest, TrainingSpec
from triagelens.domain.splits import Split

METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"


class RunMetrics(BaseModel):
    """`metrics.json`: everything that was measured.

    Attributes:
        held_out: on images that nothing was chosen by; what the model is worth.
        validation: on the images that chose the epoch and the temperature, so kinder than the truth.
        images: by set and label.
    """

    model_config = ConfigDict(frozen=True)

    held_out: Measures | None
    validation: Measures | None
    temperature: float
    parity_max_abs_diff: float
    best_epoch: int
    images: dict[Split, dict[str, int]]
    history: list[Measured]


def finish(
    config: TrainConfig, material: Material, trainer: Trainer, identity: str, output: Path
) -> Manifest:
    """Export, compare, calibrate, measure and write; the manifest is written last.

    Without validation images the temperature stays 1; without held-out images nothing is measured on them.

    Raises:
        ParityError: the exported model does not answer as the trained one.
    """
    network = trainer.result()
    threads = config.threads or 1
    exported = export(network, material.spec, parity_images(material), threads)
    session = open_session(exported.onnx, threads)
    judges: tuple[Split, ...] = ("validation", "held_out")
    logits = {split: predict(session, material.inputs(split)) for split in judges}
    targets = material.targets("validation")
    temperature = fit_temperature(logits["validation"], targets) if len(targets) else 1.0
    metrics = RunMetrics(
        held_out=_measured(logits["held_out"], material, "held_out", temperature),
        validation=_measured(logits["validation"], material, "validation", temperature),
        temperature=temperature,
        parity_max_abs_diff=exported.parity,
        best_epoch=trainer.best_epoch or trainer.epoch,
        images=material.counts(),
        history=trainer.history,
    )
    manifest = describe(config, material, exported, metrics, identity)
    page = render(
        f"{manifest.name} {manifest.version}",
        trainer.history,
        _judged(metrics, material, logits),
        temperature,
        manifest.intended_use,
    )
    write_bytes(output / REPORT_FILE, page.encode())
    write_bytes(output / WEIGHTS_FILE, serialise(network, material.labels))
    write_bytes(output / METRICS_FILE, f"{metrics.model_dump_json(indent=2)}\n".encode())
    write(exported, manifest, output)
    return manifest


def _measured(
    logits: NDArray[np.float32], material: Material, split: Split, temperature: float
) -> Measures | None:
    targets = material.targets(split)
    return measure(logits, targets, material.labels, temperature) if len(targets) else None


def _judged(
    metrics: RunMetrics, material: Material, logits: dict[Split, NDArray[np.float32]]
) -> Judged | None:
    """What the report shows: the held-out images, or those of validation where none was held out."""
    split: Split = "held_out" if metrics.held_out else "validation"
    measures = metrics.held_out or metrics.validation
    if measures is None:
        return None
    rows = material.rows(split)
    return Judged(
        name=split.replace("_", "-"),
        measures=measures,
        logits=logits[split],
        targets=material.targets(split),
        pixels=material.pixels,
        rows=rows,
        files=[material.images[row].file for row in rows],
    )


def parity_images(material: Material) -> NDArray[np.float32]:
    """Images to compare the exported model on: real ones, filled up with noise where they are few."""
    real = material.inputs("held_out", "validation", "train")[:PARITY_IMAGES]
    missing = PARITY_IMAGES - len(real)
    noise = np.random.default_rng(1).normal(0, 1, (missing, *real.shape[1:])).astype(np.float32)
    return np.concatenate([real, noise])


def describe(
    config: TrainConfig, material: Material, exported: ExportedModel, metrics: RunMetrics, identity: str
) -> Manifest:
    """The manifest of a settled run."""
    figures = for_manifest(metrics.held_out) if metrics.held_out else {"held_out_images": 0.0}
    if metrics.validation:
        figures["validation_balanced_accuracy"] = metrics.validation.balanced_accuracy
    figures["parity_max_abs_diff"] = metrics.parity_max_abs_diff
    return Manifest.model_validate(
        {
            "specialty": config.specialty,
            "name": config.name,
            "version": config.version,
            "sha256": sha256(exported.onnx),
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "labels": list(material.labels),
            "input": material.spec,
            "output": output_spec(),
            "explain": explain_spec(exported),
            "calibration": CalibrationSpec(temperature=metrics.temperature),
            "training": TrainingSpec(
                job=f"train --arch {config.arch} --epochs {config.epochs} --seed {config.seed}",
                dataset_snapshot=identity,
                code_version=f"{config.arch}, torch {torch.__version__}, timm {timm.__version__}",
                metrics=figures,
            ),
            "licence": config.licence,
            "intended_use": config.intended_use,
        }
    )
