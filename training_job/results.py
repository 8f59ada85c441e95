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
from training_job.conformal import ConformalMeasures, conformal_quantile, measure_sets
from training_job.evaluate import (
    Observed,
    balanced_accuracy_of,
    observe,
    open_session,
    predict,
    softmax,
    summary_output,
)
from training_job.export import PARITY_IMAGES, ExportedModel, explain_spec, export, output_spec, sha256, write
from training_job.fitting import Run
from training_job.material import Material
from training_job.measures import Measures, for_manifest, measure
from training_job.outliers import fit_outliers
from training_job.parity import PARITY_FILE, parity_of
from training_job.progress import Listener
from training_job.quantise import QuantisedMeasures, compare, quantise
from training_job.report import Findings, Judged, render
from training_job.trainer import Measured, Trainer
from training_job.weights import FILE as WEIGHTS_FILE
from training_job.weights import serialise
from triagelens.domain.manifest import AbstainSpec, CalibrationSpec, Manifest, OutlierSpec, TrainingSpec
from triagelens.domain.splits import Split
from triagelens.inference.outliers import OutlierMeasure

METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
FP32_FILE = "model-fp32.onnx"
_MOST_FOR_FEATURES = 1000
"""Training images whose features are looked at: enough for their statistics."""


class RunMetrics(BaseModel):
    """`metrics.json`: everything that was measured.

    Attributes:
        held_out: on images that nothing was chosen by; what the model is worth.
        validation: on the images that chose the epoch and the temperature, so kinder than the truth.
        conformal: sets of labels for the held-out images.
        outliers: share of the held-out images that are taken for another kind of image.
        quantised: the int8 variant; None if none was made.
        images: by set and label.
    """

    model_config = ConfigDict(frozen=True)

    held_out: Measures | None
    validation: Measures | None
    temperature: float
    conformal: ConformalMeasures | None
    outliers: float | None
    precision: str
    quantised: QuantisedMeasures | None
    parity_max_abs_diff: float
    best_epoch: int
    images: dict[Split, dict[str, int]]
    history: list[Measured]


@dataclass(frozen=True)
class Judgement:
    """The exported model and all that is said of it."""

    exported: ExportedModel
    fp32: bytes
    seen: dict[Split, Observed]
    abstain: AbstainSpec | None
    metrics: RunMetrics


def finish(run: Run, trainer: Trainer, identity: str, listener: Listener, job: str | None = None) -> Manifest:
    """Export, compare, quantise, calibrate, measure and write; the manifest is written last.

    Without validation images the temperature stays 1 and nothing is quantised; without held-out images
    nothing is measured on them.

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
        Findings(judgement.metrics.conformal, judgement.metrics.outliers, judgement.metrics.quantised),
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
    """Choose the precision, calibrate on validation images, measure on held-out ones."""
    material, threads = run.material, run.config.threads or 1
    session = open_session(exported.onnx, threads)
    validation = observe(session, material.inputs("validation"))
    chosen, quantised = exported, None
    if run.config.int8 and len(validation.logits):
        listener.stage("Quantising")
        chosen, quantised = _quantised(run, exported, validation)
    if chosen is not exported:
        session = open_session(chosen.onnx, threads)
        validation = observe(session, material.inputs("validation"))
    listener.stage("Measuring")
    held_out = observe(session, material.inputs("held_out"))
    targets = material.targets("validation")
    temperature = fit_temperature(validation.logits, targets) if len(targets) else 1.0
    quantile = None
    if len(targets):
        quantile = conformal_quantile(softmax(validation.logits, temperature), targets, run.config.coverage)
    rows = _some(material.rows("train"))
    trained = observe(session, material.inputs_at(rows))
    outliers = fit_outliers(
        trained.summaries, material.targets_at(rows), validation.summaries, summary_output(session)
    )
    metrics = RunMetrics(
        held_out=_measured(held_out, material, "held_out", temperature),
        validation=_measured(validation, material, "validation", temperature),
        temperature=temperature,
        conformal=_sets(held_out, material, temperature, quantile, run.config.coverage),
        outliers=_share_flagged(outliers, held_out),
        precision="int8" if quantised and quantised.kept else "fp32",
        quantised=quantised,
        parity_max_abs_diff=exported.parity,
        best_epoch=trainer.best_epoch or trainer.epoch,
        images=material.counts(),
        history=trainer.history,
    )
    abstain = _abstain(quantile, run.config.coverage, outliers)
    return Judgement(
        chosen, exported.onnx, {"validation": validation, "held_out": held_out}, abstain, metrics
    )


def _quantised(
    run: Run, exported: ExportedModel, validation: Observed
) -> tuple[ExportedModel, QuantisedMeasures]:
    """The model to serve, and how its int8 variant compares."""
    material = run.material
    inputs, targets = material.inputs("validation"), material.targets("validation")
    graph = quantise(exported.onnx, inputs)
    answered = predict(open_session(graph, run.config.threads or 1), inputs)
    compared = compare(
        balanced_accuracy_of(validation.logits, targets), balanced_accuracy_of(answered, targets)
    )
    return (exported.with_graph(graph) if compared.kept else exported), compared


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `_MOST_FOR_FEATURES` of the rows, evenly spaced."""
    if len(rows) <= _MOST_FOR_FEATURES:
        return rows
    places = np.linspace(0, len(rows) - 1, _MOST_FOR_FEATURES).round().astype(int)
    return np.asarray(rows[places])


def _measured(seen: Observed, material: Material, split: Split, temperature: float) -> Measures | None:
    targets = material.targets(split)
    return measure(seen.logits, targets, material.labels, temperature) if len(targets) else None


def _sets(
    seen: Observed, material: Material, temperature: float, quantile: float | None, promised: float
) -> ConformalMeasures | None:
    targets = material.targets("held_out")
    if quantile is None or not len(targets):
        return None
    return measure_sets(softmax(seen.logits, temperature), targets, quantile, promised)


def _share_flagged(outliers: OutlierSpec | None, held_out: Observed) -> float | None:
    if outliers is None or not len(held_out.summaries):
        return None
    return round(float(OutlierMeasure(outliers).flagged(held_out.summaries).mean()), 4)


def _abstain(quantile: float | None, coverage: float, outliers: OutlierSpec | None) -> AbstainSpec | None:
    if quantile is None and outliers is None:
        return None
    return AbstainSpec(
        conformal_quantile=quantile,
        conformal_coverage=None if quantile is None else coverage,
        ood=outliers,
    )


def _judged(judgement: Judgement, material: Material) -> Judged | None:
    """What the report shows: the held-out images, or those of validation where none was held out."""
    metrics = judgement.metrics
    split: Split = "held_out" if metrics.held_out else "validation"
    measures = metrics.held_out or metrics.validation
    if measures is None:
        return None
    rows = material.rows(split)
    return Judged(
        name=split.replace("_", "-"),
        measures=measures,
        logits=judgement.seen[split].logits,
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
    if metrics.conformal:
        found["conformal_coverage"] = metrics.conformal.coverage.value
        found["conformal_set_size"] = metrics.conformal.mean_size
    if metrics.quantised:
        found["int8_drop"] = metrics.quantised.drop
    return found | {"parity_max_abs_diff": metrics.parity_max_abs_diff}
