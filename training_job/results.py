"""What a run leaves: the exported model, how it was calibrated and measured, and its manifest."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training_job.atomic import write_bytes
from training_job.calibrate import fit_temperature
from training_job.config import FitConfig
from training_job.conformal import ConformalMeasures
from training_job.evaluate import (
    Observed,
    balanced_accuracy_of,
    observe,
    open_session,
    predict,
    summary_output,
)
from training_job.export import PARITY_IMAGES, ExportedModel, explain_spec, export, output_spec, sha256, write
from training_job.fitting import Run
from training_job.material import Material
from training_job.measures import Measures, for_manifest, measure
from training_job.parity import PARITY_FILE, parity_of
from training_job.progress import Listener
from training_job.promises import promised, sets_of, share_flagged
from training_job.quantise import QuantisedMeasures, compare, quantise
from training_job.report import Findings, Judged, render
from training_job.splits import Part
from training_job.trainer import Measured, Trainer
from training_job.weights import FILE as WEIGHTS_FILE
from training_job.weights import serialise
from triagelens.domain.manifest import AbstainSpec, CalibrationSpec, Manifest, TrainingSpec

METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
FP32_FILE = "model-fp32.onnx"
_LOOKED_AT: tuple[Part, ...] = ("validation", "calibration", "held_out")
_MOST_FOR_FEATURES = 1000
"""Training images whose features are looked at: enough for their statistics."""


class RunMetrics(BaseModel):
    """`metrics.json`: everything that was measured.

    Attributes:
        held_out: on images that nothing was chosen by; what the model is worth.
        validation: on the images that chose the epoch, so kinder than the truth.
        calibrated_on: validation images that chose nothing, which the sets of labels and the threshold for
            other kinds of images are fitted on; 0: there were too few, and there are neither.
        conformal: sets of labels for the held-out images.
        outliers: share of the held-out images that are taken for another kind of image.
        outliers_expected: share that the threshold allows for.
        quantised: the int8 variant; None if none was made.
        images: by part and label.
    """

    model_config = ConfigDict(frozen=True)

    held_out: Measures | None
    validation: Measures | None
    temperature: float
    calibrated_on: int
    conformal: ConformalMeasures | None
    outliers: float | None
    outliers_expected: float | None
    precision: str
    quantised: QuantisedMeasures | None
    parity_max_abs_diff: float
    best_epoch: int
    images: dict[Part, dict[str, int]]
    history: list[Measured]


@dataclass(frozen=True)
class Judgement:
    """The exported model and all that is said of it."""

    exported: ExportedModel
    fp32: bytes
    seen: dict[Part, Observed]
    abstain: AbstainSpec | None
    metrics: RunMetrics


def finish(run: Run, trainer: Trainer, identity: str, listener: Listener, job: str | None = None) -> Manifest:
    """Export, compare, quantise, calibrate, measure and write; the manifest is written last.

    Without validation images the temperature stays 1 and nothing is quantised; with too few of them nothing
    is promised (`splits.parts_of`); without held-out images nothing is measured on them.

    Args:
        job: id of the job that the run is of, if it is of one.

    Raises:
        ParityError: the exported model does not answer as the trained one.
    """
    config, material, output = run.config, run.material, run.output
    network = trainer.result()
    threads = config.threads or 1
    listener.stage("Exporting")
    exported = export(network, material.spec, parity_images(material), threads)
    judgement = judge(run, trainer, exported, listener)
    weights = serialise(network, material.labels)
    manifest = describe(config, material, judgement, identity, job, sha256(weights))
    page = render(
        f"{manifest.name} {manifest.version}",
        trainer.history,
        _judged(judgement, material),
        judgement.metrics.temperature,
        manifest.intended_use,
        _findings(judgement.metrics),
    )
    session = open_session(judgement.exported.onnx, threads)
    parity = parity_of(partial(predict, session), material.spec, judgement.metrics.precision)
    write_bytes(output / REPORT_FILE, page.encode())
    write_bytes(output / WEIGHTS_FILE, weights)
    write_bytes(output / METRICS_FILE, f"{judgement.metrics.model_dump_json(indent=2)}\n".encode())
    write_bytes(output / PARITY_FILE, f"{parity.model_dump_json()}\n".encode())
    write_bytes(output / FP32_FILE, judgement.fp32)
    write(judgement.exported, manifest, output)
    return manifest


def judge(run: Run, trainer: Trainer, exported: ExportedModel, listener: Listener) -> Judgement:
    """Choose the precision as the epoch was chosen, calibrate on other images, measure on held-out ones."""
    material, config = run.material, run.config
    session = open_session(exported.onnx, config.threads or 1)
    chosen, quantised = exported, None
    if config.int8 and len(material.rows("validation")):
        listener.stage("Quantising")
        chosen, quantised = _quantised(run, exported, predict(session, material.inputs("validation")))
    if chosen is not exported:
        session = open_session(chosen.onnx, config.threads or 1)
    listener.stage("Measuring")
    seen = {part: observe(session, material.inputs(part)) for part in _LOOKED_AT}
    temperature = _temperature(seen, material)
    rows = _some(material.rows("train"))
    abstain = promised(
        seen["calibration"],
        material.targets("calibration"),
        (observe(session, material.inputs_at(rows)), material.targets_at(rows)),
        temperature=temperature,
        coverage=config.coverage,
        output=summary_output(session),
    )
    metrics = RunMetrics(
        held_out=_measured(seen, material, "held_out", temperature),
        validation=_measured(seen, material, "validation", temperature),
        temperature=temperature,
        calibrated_on=len(material.rows("calibration")),
        conformal=sets_of(abstain, seen["held_out"], material.targets("held_out"), temperature),
        outliers=share_flagged(abstain, seen["held_out"]),
        outliers_expected=round(1 - abstain.ood.quantile, 4) if abstain and abstain.ood else None,
        precision="int8" if quantised and quantised.kept else "fp32",
        quantised=quantised,
        parity_max_abs_diff=exported.parity,
        best_epoch=trainer.best_epoch or trainer.epoch,
        images=material.counts(),
        history=trainer.history,
    )
    return Judgement(chosen, exported.onnx, seen, abstain, metrics)


def _temperature(seen: dict[Part, Observed], material: Material) -> float:
    """Fitted on images that chose nothing; where those are too few to promise anything, on the others."""
    part: Part = "calibration" if len(seen["calibration"].logits) else "validation"
    targets = material.targets(part)
    return fit_temperature(seen[part].logits, targets) if len(targets) else 1.0


def _quantised(
    run: Run, exported: ExportedModel, answered_in_fp32: NDArray[np.float32]
) -> tuple[ExportedModel, QuantisedMeasures]:
    """The model to serve, and how its int8 variant compares."""
    material = run.material
    inputs, targets = material.inputs("validation"), material.targets("validation")
    graph = quantise(exported.onnx, inputs)
    answered = predict(open_session(graph, run.config.threads or 1), inputs)
    compared = compare(
        balanced_accuracy_of(answered_in_fp32, targets), balanced_accuracy_of(answered, targets)
    )
    return (exported.with_graph(graph) if compared.kept else exported), compared


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `_MOST_FOR_FEATURES` of the rows, evenly spaced."""
    if len(rows) <= _MOST_FOR_FEATURES:
        return rows
    places = np.linspace(0, len(rows) - 1, _MOST_FOR_FEATURES).round().astype(int)
    return np.asarray(rows[places])


def _measured(
    seen: dict[Part, Observed], material: Material, part: Part, temperature: float
) -> Measures | None:
    targets = material.targets(part)
    return measure(seen[part].logits, targets, material.labels, temperature) if len(targets) else None


def _findings(metrics: RunMetrics) -> Findings:
    return Findings(
        metrics.calibrated_on,
        metrics.conformal,
        metrics.outliers,
        metrics.outliers_expected,
        metrics.quantised,
    )


def _judged(judgement: Judgement, material: Material) -> Judged | None:
    """What the report shows: the held-out images, or those of validation where none was held out."""
    metrics = judgement.metrics
    part: Part = "held_out" if metrics.held_out else "validation"
    measures = metrics.held_out or metrics.validation
    if measures is None:
        return None
    rows = material.rows(part)
    return Judged(
        name=part.replace("_", "-"),
        measures=measures,
        logits=judgement.seen[part].logits,
        targets=material.targets(part),
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
    config: FitConfig, material: Material, judgement: Judgement, identity: str, job: str | None, weights: str
) -> Manifest:
    """The manifest of a settled run; `weights` is the digest of what a later run may begin with."""
    metrics = judgement.metrics
    return Manifest.model_validate(
        {
            "specialty": config.specialty,
            "name": config.name,
            "version": config.version,
            "sha256": sha256(judgement.exported.onnx),
            "created_at": datetime.now(UTC).replace(microsecond=0),
            "labels": list(material.labels),
            "input": material.spec,
            "output": output_spec(),
            "explain": explain_spec(judgement.exported),
            "calibration": CalibrationSpec(temperature=metrics.temperature),
            "abstain": judgement.abstain,
            "precision": metrics.precision,
            "training": TrainingSpec(
                job=job or f"train --arch {config.arch} --epochs {config.epochs} --seed {config.seed}",
                dataset_snapshot=identity,
                code_version=f"{config.arch}, torch {torch.__version__}, timm {timm.__version__}",
                weights_sha256=weights,
                metrics=figures(metrics),
            ),
            "licence": config.licence,
            "intended_use": config.intended_use,
        }
    )


def figures(metrics: RunMetrics) -> dict[str, float]:
    """The main figures, for the manifest and the job's record."""
    found = for_manifest(metrics.held_out) if metrics.held_out else {"held_out_images": 0.0}
    if metrics.validation:
        found["validation_balanced_accuracy"] = metrics.validation.balanced_accuracy
    found["calibration_images"] = float(metrics.calibrated_on)
    if metrics.conformal:
        found["conformal_coverage"] = metrics.conformal.coverage.value
        found["conformal_set_size"] = metrics.conformal.mean_size
    if metrics.quantised:
        found["int8_drop"] = metrics.quantised.drop
    return found | {"parity_max_abs_diff": metrics.parity_max_abs_diff}
