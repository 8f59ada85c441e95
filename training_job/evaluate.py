"""How good predictions are. Everything here takes plain arrays, so it serves torch and ONNX Runtime alike."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

_BATCH = 32

Floats = NDArray[np.float32] | NDArray[np.float64]


def open_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session on a model's bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def predict(session: onnxruntime.InferenceSession, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (images, labels) of an exported model, batch by batch."""
    name = session.get_inputs()[0].name
    parts = [
        session.run(["logits"], {name: inputs[start : start + _BATCH]})[0]
        for start in range(0, len(inputs), _BATCH)
    ]
    return np.concatenate(parts)


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


def expected_calibration_error(
    probabilities: NDArray[np.float64], targets: NDArray[np.int64], bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Naeini et al., 2015)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        np.sum(place == b) * abs(float(correct[place == b].mean()) - float(confidence[place == b].mean()))
        for b in np.unique(place)
    ]
    return float(np.sum(gaps) / len(targets))


def assess(
    logits: Floats, targets: NDArray[np.int64], labels: tuple[str, ...], temperature: float
) -> dict[str, float]:
    """The metrics that go into a manifest."""
    probabilities = softmax(logits, temperature)
    predicted = probabilities.argmax(axis=1)
    sensitivities = recalls(predicted, targets, len(labels))
    metrics = {
        "balanced_accuracy": float(sensitivities.mean()),
        "accuracy": float(np.mean(predicted == targets)),
        "ece": expected_calibration_error(probabilities, targets),
        "held_out_images": float(len(targets)),
    }
    metrics |= {f"sensitivity_{label}": float(v) for label, v in zip(labels, sensitivities, strict=True)}
    return {name: round(value, 4) for name, value in metrics.items()}
