"""From a trained network to the files that are served: `model.onnx`, `head.npy`, `manifest.json`."""

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from training_job.atomic import write_bytes
from training_job.errors import TrainingError
from training_job.evaluate import open_session
from training_job.model import Classifier
from training_job.texture import with_texture
from triagelens.domain.manifest import ExplainSpec, InputSpec, Manifest, OutputSpec

PARITY_TOLERANCE = 1e-4
PARITY_IMAGES = 32
HEAD_FILE = "head.npy"
MANIFEST_FILE = "manifest.json"
_OPSET = 18


class ParityError(TrainingError):
    """The exported model does not answer as the trained one does.

    Attributes:
        difference: largest absolute difference of a logit.
        relabelled: images that get another label.
    """

    code = "export_differs"

    def __init__(self, difference: float, relabelled: int) -> None:
        super().__init__(
            f"ONNX Runtime and PyTorch differ by {difference:.2e} (allowed: {PARITY_TOLERANCE:.0e}) "
            f"and in the label of {relabelled} images (allowed: none)"
        )
        self.difference = difference
        self.relabelled = relabelled


@dataclass(frozen=True)
class ExportedModel:
    """A model's bytes.

    Attributes:
        onnx: the graph with its weights: input (batch, 3, height, width), outputs `logits`, `features` and,
            where the network has such a map, `texture`.
        head: `.npy` of the classifier's weights, float32 (labels, channels).
        parity: largest absolute difference against the trained network.
    """

    onnx: bytes
    head: bytes
    parity: float

    def with_graph(self, graph: bytes) -> Self:
        """The same model with another graph: its int8 variant."""
        return replace(self, onnx=graph)


def export(
    model: Classifier, spec: InputSpec, images: NDArray[np.float32], threads: int = 1
) -> ExportedModel:
    """Export the network and compare it with the original on `images`.

    Raises:
        ParityError: they differ by more than `PARITY_TOLERANCE`.
        ValueError: fewer than `PARITY_IMAGES` images.
    """
    if len(images) < PARITY_IMAGES:
        raise ValueError(f"parity needs at least {PARITY_IMAGES} images, got {len(images)}")
    model.eval()
    graph = to_onnx(model, spec)
    parity = check_parity(model, graph, images, threads)
    buffer = io.BytesIO()
    np.save(buffer, model.head.weight.detach().numpy().astype("<f4"))
    return ExportedModel(graph, buffer.getvalue(), parity)


def to_onnx(model: Classifier, spec: InputSpec) -> bytes:
    """The network as a checked ONNX file with a free batch axis."""
    program = torch.onnx.export(
        model,
        (torch.zeros(2, 3, spec.height, spec.width),),
        input_names=[spec.name],
        output_names=["logits", "features"],
        dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter returned no program")
    graph = program.model_proto
    for node in graph.graph.node:
        del node.metadata_props[:]  # source paths of the machine that exported it
        node.doc_string = ""
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        del value.metadata_props[:]
    del graph.graph.metadata_props[:], graph.metadata_props[:]
    onnx.checker.check_model(graph, full_check=True)
    return with_texture(bytes(graph.SerializeToString(deterministic=True)))


def check_parity(model: Classifier, graph: bytes, images: NDArray[np.float32], threads: int = 1) -> float:
    """The largest absolute difference of logits between ONNX Runtime and the network.

    Raises:
        ParityError: it is more than `PARITY_TOLERANCE`, or an image gets another label.
    """
    session = open_session(graph, threads)
    logits = session.run(["logits"], {session.get_inputs()[0].name: images})[0]
    with torch.inference_mode():
        expected = model(torch.from_numpy(images))[0].numpy()
    difference = float(np.abs(logits - expected).max())
    relabelled = int((logits.argmax(axis=1) != expected.argmax(axis=1)).sum())
    if not difference <= PARITY_TOLERANCE or relabelled:
        raise ParityError(difference, relabelled)
    return difference


def output_spec() -> OutputSpec:
    return OutputSpec(name="logits", kind="logits")


def explain_spec(exported: ExportedModel) -> ExplainSpec:
    return ExplainSpec(
        features_output="features", head_weights=HEAD_FILE, head_weights_sha256=sha256(exported.head)
    )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(exported: ExportedModel, manifest: Manifest, folder: Path) -> None:
    """Write the three files, the manifest last: where it is, the model is whole."""
    write_bytes(folder / "model.onnx", exported.onnx)
    write_bytes(folder / HEAD_FILE, exported.head)
    write_bytes(folder / MANIFEST_FILE, f"{manifest.model_dump_json(indent=2)}\n".encode())
