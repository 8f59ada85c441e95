"""How good predictions are. Everything here takes plain arrays, so it serves torch and ONNX Runtime alike."""

from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training_job.texture import TEXTURE

_BATCH = 32

Floats = NDArray[np.float32] | NDArray[np.float64]


def open_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session on a model's bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Inputs(Protocol):
    """Images as a network takes them, float32 (images, 3, height, width): an array, or made on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: slice, /) -> NDArray[np.float32]: ...


def predict(session: onnxruntime.InferenceSession, inputs: Inputs) -> NDArray[np.float32]:
    """Logits (images, labels) of an exported model, batch by batch; (0, 0) of no images."""
    name = session.get_inputs()[0].name
    parts = [
        session.run(["logits"], {name: inputs[start : start + _BATCH]})[0]
        for start in range(0, len(inputs), _BATCH)
    ]
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


class Observed(NamedTuple):
    """What a model gives for some images: logits (images, labels), summaries (images, channels).

    A summary is what images of another kind are told by: `texture`, or the feature map's mean over rows and
    columns where the model has no such output.
    """

    logits: NDArray[np.float32]
    summaries: NDArray[np.float32]


def observe(session: onnxruntime.InferenceSession, inputs: Inputs) -> Observed:
    """Logits and summaries, batch by batch; (0, 0) of no images."""
    name, summary = session.get_inputs()[0].name, summary_output(session)
    logits: list[NDArray[np.float32]] = []
    summaries: list[NDArray[np.float32]] = []
    for start in range(0, len(inputs), _BATCH):
        scores, seen = session.run(["logits", summary], {name: inputs[start : start + _BATCH]})
        logits.append(scores)
        summaries.append(seen.mean(axis=(2, 3)) if seen.ndim == 4 else seen)
    if not logits:
        return Observed(np.empty((0, 0), np.float32), np.empty((0, 0), np.float32))
    return Observed(np.concatenate(logits), np.concatenate(summaries))


def summary_output(session: onnxruntime.InferenceSession) -> str:
    """Name of the output that summaries are made of."""
    names = {output.name for output in session.get_outputs()}
    return TEXTURE if TEXTURE in names else "features"


def softmax(logits: Floats, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities (images, labels) of temperature-scaled logits."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def recalls(predicted: NDArray[np.int64], targets: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """Sensitivity of each label (labels,).

    Raises:
        ValueError: a label has no image.
    """
    if len(np.unique(targets)) != labels:
        raise ValueError("every label needs at least one image")
    return np.asarray([np.mean(predicted[targets == label] == label) for label in range(labels)])


def balanced_accuracy(predicted: NDArray[np.int64], targets: NDArray[np.int64], labels: int) -> float:
    """The mean of the labels' sensitivities."""
    return float(recalls(predicted, targets, labels).mean())


def balanced_accuracy_of(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The mean sensitivity of the labels that have images; at least one image."""
    right = logits.argmax(axis=1) == targets
    return float(np.mean([right[targets == label].mean() for label in np.unique(targets)]))


class ReliabilityBin(NamedTuple):
    """Images whose confidence lies in one bin: its mean, how often they were right, and their number."""

    confidence: float
    accuracy: float
    images: int


def reliability(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], bins: int = 15
) -> list[ReliabilityBin]:
    """Confidence against accuracy over equal-width bins; empty ones are left out."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            float(confidence[place == b].mean()), float(correct[place == b].mean()), int(np.sum(place == b))
        )
        for b in np.unique(place)
    ]


def expected_calibration_error(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Naeini et al., 2015)."""
    found = reliability(probabilities, targets, bins)
    return sum(b.images * abs(b.accuracy - b.confidence) for b in found) / len(targets)
