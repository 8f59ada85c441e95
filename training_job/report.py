"""A page about a run, in one file: how it went, how good the model is, and where it is wrong."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training_job.charts import curves, reliability_diagram
from training_job.conformal import ConformalMeasures
from training_job.evaluate import Floats, reliability, softmax
from training_job.measures import Measures, Rate
from training_job.quantise import LARGEST_DROP, QuantisedMeasures
from training_job.trainer import Measured

_BINS = 10
_MISTAKES = 12
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 } td, th { padding: .2rem .7rem; border: 1px solid #ccc }
td { text-align: right } svg { width: 30rem; max-width: 100%; font-size: 10px }
figure { display: inline-block; width: 9rem; margin: .4rem; vertical-align: top; font-size: 13px }
figure img { width: 100% }
"""


@dataclass(frozen=True)
class Judged:
    """A set of images with what the model said of them.

    Attributes:
        logits: (images, labels).
        pixels: uint8 (all images, height, width, 3); `rows` says where the judged ones are.
        files: names of the judged ones below the data folder.
    """

    name: str
    measures: Measures
    logits: Floats
    targets: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    files: Sequence[str]


@dataclass(frozen=True)
class Findings:
    """What else was found out, where it could be.

    Attributes:
        calibrated_on: validation images that chose nothing; without them nothing is promised.
        outliers: share of the held-out images that are taken for another kind of image.
        outliers_expected: share that the threshold allows for.
    """

    calibrated_on: int = 0
    conformal: ConformalMeasures | None = None
    outliers: float | None = None
    outliers_expected: float | None = None
    quantised: QuantisedMeasures | None = None


NOTHING_ELSE = Findings()


def render(
    title: str,
    history: Sequence[Measured],
    judged: Judged | None,
    temperature: float,
    intended_use: str,
    findings: Findings = NOTHING_ELSE,
) -> str:
    """The page; without images to judge by it shows only how training went."""
    parts = [f"<h1>{escape(title)}</h1>", f"<p>Intended use: {escape(intended_use)}.</p>", _learning(history)]
    if judged is None:
        parts.append("<p>No image was held out or validated on, so nothing is known about the model.</p>")
    else:
        parts += [_labels(judged), _confusion(judged), _calibration(judged, temperature)]
        parts += [_promises(findings), _sets(findings.conformal), _outliers(findings)]
        parts.append(_precision(findings.quantised))
        parts.append(_mistakes(judged, temperature))
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _learning(history: Sequence[Measured]) -> str:
    def over_epochs(**names: str) -> dict[str, list[float]]:
        found = {name: [epoch[key] for epoch in history if key in epoch] for name, key in names.items()}
        return {name: values for name, values in found.items() if values}

    losses = curves(over_epochs(training="loss", validation="validation_loss"))
    scores = curves(over_epochs(training="accuracy", validation="validation_balanced_accuracy"), top=1.0)
    return (
        f"<h2>Learning</h2><p>Loss</p>{losses}"
        f"<p>Accuracy on augmented training images, balanced accuracy on validation images</p>{scores}"
    )


def _labels(judged: Judged) -> str:
    found = judged.measures
    rows = [
        [name, _rate(label.sensitivity), _rate(label.specificity)] for name, label in found.labels.items()
    ]
    return (
        f"<h2>On {found.images} {escape(judged.name)} images</h2>"
        f"<p>Balanced accuracy {found.balanced_accuracy:.3f}, accuracy {found.accuracy:.3f}. "
        "In brackets: 95% confidence interval.</p>" + _table(["label", "sensitivity", "specificity"], rows)
    )


def _rate(rate: Rate | None) -> str:
    return (
        f"{rate.value:.3f} ({rate.low:.3f} to {rate.high:.3f}), {rate.images} images" if rate else "no image"
    )


def _confusion(judged: Judged) -> str:
    names = list(judged.measures.labels)
    rows = [[name, *map(str, row)] for name, row in zip(names, judged.measures.confusion, strict=True)]
    return "<h2>Confusion</h2><p>True labels by row, predicted ones by column.</p>" + _table(
        ["", *names], rows
    )


def _calibration(judged: Judged, temperature: float) -> str:
    bins = {
        name: reliability(softmax(judged.logits, value), judged.targets, _BINS)
        for name, value in (("before", 1.0), ("after", temperature))
    }
    found = judged.measures
    return (
        f"<h2>Calibration</h2><p>Expected calibration error {found.ece_before:.3f} before and "
        f"{found.ece_after:.3f} after dividing the logits by {temperature:.3f}.</p>"
        f"{reliability_diagram(bins)}"
    )


def _promises(found: Findings) -> str:
    if found.calibrated_on:
        return f"<p>Calibrated on {found.calibrated_on} validation images that chose nothing.</p>"
    return (
        "<p>The validation images were too few to choose the epoch and to calibrate: the model names no "
        "sets of labels and does not tell other kinds of images.</p>"
    )


def _sets(found: ConformalMeasures | None) -> str:
    """How often sets of labels hold the true one, and how large they are."""
    if found is None:
        return ""
    sizes = [[str(size), str(count)] for size, count in enumerate(found.sizes) if count]
    return (
        "<h2>Sets of labels</h2><p>A set holds every label of probability at least "
        f"{1 - found.quantile:.4f}; an empty one says that the model is sure of none. The true label should "
        f"be in {found.promised:.1%} of the sets. On held-out images the share is {_rate(found.coverage)}. "
        f"A set has {found.mean_size:.2f} labels on average.</p>"
        + _table(["labels in the set", "images"], sizes)
    )


def _outliers(found: Findings) -> str:
    if found.outliers is None or found.outliers_expected is None:
        return ""
    return (
        "<h2>Unlike the training images</h2><p>By its features the model takes "
        f"{found.outliers:.1%} of the held-out images for images of another kind. "
        f"About {found.outliers_expected:.1%} is to be expected.</p>"
    )


def _precision(found: QuantisedMeasures | None) -> str:
    if found is None:
        return ""
    verdict = "int8 is served" if found.kept else "float32 is served"
    return (
        "<h2>Precision</h2><p>Balanced accuracy on validation images: "
        f"{found.balanced_accuracy_fp32:.4f} in float32, {found.balanced_accuracy_int8:.4f} in int8; "
        f"{verdict}. A drop of {LARGEST_DROP:.1%} or more is not accepted.</p>"
    )


def _mistakes(judged: Judged, temperature: float) -> str:
    """The wrong answers that the model was surest of."""
    probabilities = softmax(judged.logits, temperature)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != judged.targets)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES]
    names = list(judged.measures.labels)
    figures = [
        f'<figure><img alt="" src="{_picture(judged.pixels[judged.rows[i]])}">'
        f"<figcaption>{escape(judged.files[i])}: "
        f"{escape(names[predicted[i]])} ({confidence[i]:.2f}), truly {escape(names[judged.targets[i]])}"
        "</figcaption></figure>"
        for i in worst
    ]
    return f"<h2>Most confident mistakes</h2>{''.join(figures) or '<p>None.</p>'}"


def _picture(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
