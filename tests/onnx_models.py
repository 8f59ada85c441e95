"""Small ONNX classifiers as other people might export them, with weights that the tests know.

The plain classifier is one linear layer over every input value, so that a wrong layout, channel
order, size, crop or interpolation changes its answer; the one with features is convolution, ReLU,
global average pooling and a linear head.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from triagelens.inference.package import ModelPackage

Floats = NDArray[np.float32]

_TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
}
_CHANNELS = 5
_PATCH = 4


@dataclass(frozen=True)
class OnnxClassifier:
    """A model, its manifest as JSON data, and what it computes."""

    model: bytes
    manifest: dict[str, Any]
    weights: Floats
    bias: Floats
    head: bytes | None = None

    @property
    def manifest_json(self) -> bytes:
        return json.dumps(self.manifest, indent=2).encode()

    @property
    def package(self) -> ModelPackage:
        return ModelPackage(self.model, self.manifest_json, self.head)

    def scores(self, tensor: NDArray[Any]) -> NDArray[np.float64]:
        """What the plain classifier's output holds before softmax or sigmoid, in plain numpy.

        Args:
            tensor: (3, height, width), normalised, in the model's channel order.
        """
        flat = tensor.astype(np.float64).ravel()
        result: NDArray[np.float64] = self.weights.astype(np.float64) @ flat + self.bias
        return result

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Writes the files as somebody would bring them; gives the paths of model and manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        model, manifest = folder / "model.onnx", folder / "manifest.json"
        model.write_bytes(self.model)
        manifest.write_bytes(self.manifest_json)
        if self.head is not None:
            (folder / "head.npy").write_bytes(self.head)
        return model, manifest


@dataclass(frozen=True)
class Design:
    """How a classifier is made; the fields up to `std` are those of the manifest's `input`.

    Attributes:
        batch: a fixed batch size, or None for a free one.
        output_axes: axes after the batch: `width`, `width,1,1`, or `none` where the width is 1.
        features: whether the model gives its feature map, with the head's weights beside it.
    """

    specialty: str = "skin"
    labels: tuple[str, ...] = ("nv", "mel", "bcc")
    name: str = "somebody-elses-model"
    version: str = "1.0.0"
    intended_use: str = "tests"
    layout: str = "NCHW"
    dtype: str = "float32"
    height: int = 16
    width: int = 12
    resize: str = "shortest_side"
    resize_to: int | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    channel_order: str = "RGB"
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.5, 0.4, 0.3)
    std: tuple[float, float, float] = (0.2, 0.25, 0.3)
    kind: str = "logits"
    sigmoid_applied: bool = True
    temperature: float = 1.0
    batch: int | None = None
    output_dtype: str = "float32"
    output_axes: str = "width"
    features: bool = False
    seed: int = 0


class _Graph:
    """Operators and constants while a model is put together."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Adds an operator; gives the name of its output."""
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def classifier(**design: Any) -> OnnxClassifier:
    """A classifier made as `Design` says; `uint8` inputs take raw pixels, scaled inside the graph."""
    if design.get("dtype") == "uint8":
        design = {"scale": 1.0, "mean": (0.0,) * 3, "std": (1.0,) * 3, **design}
    plan = Design(**design)
    random = np.random.default_rng(plan.seed)
    width = 1 if plan.kind == "sigmoid" else len(plan.labels)
    values = _CHANNELS if plan.features else 3 * plan.height * plan.width
    gain = 4 / 255 if plan.dtype == "uint8" and not plan.features else 4.0
    weights = (random.standard_normal((width, values)) * gain / np.sqrt(values)).astype(np.float32)
    bias = random.standard_normal(width).astype(np.float32)

    graph = _Graph()
    pixels = _pixels_as_floats(graph, plan)
    feature_map = _feature_map(graph, pixels, random) if plan.features else None
    flat = graph.add("Flatten", [graph.add("GlobalAveragePool", [feature_map]) if feature_map else pixels])
    scores = graph.add("Gemm", [flat, graph.constant(weights), graph.constant(bias)], transB=1)
    outputs = {"scores": _finished(graph, plan, scores)}
    if feature_map:
        outputs["features"] = feature_map
    model = _model(graph, plan, outputs)
    rows = np.concatenate([-weights, weights]) if plan.kind == "sigmoid" else weights
    head = npy(rows) if plan.features else None
    return OnnxClassifier(model, manifest(plan, model, head), weights, bias, head)


def manifest(plan: Design, model: bytes, head: bytes | None = None) -> dict[str, Any]:
    """The manifest, as JSON data, of a model made as `plan` says."""
    inputs = ("layout", "dtype", "height", "width", "resize", "resize_to", "interpolation", "antialias")
    said = {key: getattr(plan, key) for key in (*inputs, "channel_order", "scale")}
    explain = None
    if head is not None:
        digest = hashlib.sha256(head).hexdigest()
        explain = {"features_output": "features", "head_weights": "head.npy", "head_weights_sha256": digest}
    return {
        "specialty": plan.specialty,
        "name": plan.name,
        "version": plan.version,
        "sha256": hashlib.sha256(model).hexdigest(),
        "created_at": "2026-01-31T12:00:00Z",
        "labels": list(plan.labels),
        "input": {"name": "image", **said, "mean": list(plan.mean), "std": list(plan.std)},
        "output": {"name": "scores", "kind": plan.kind, "sigmoid_applied": plan.sigmoid_applied},
        "explain": explain,
        "calibration": {"temperature": plan.temperature},
        "licence": "CC0-1.0",
        "intended_use": plan.intended_use,
    }


def edited(made: OnnxClassifier, **changes: Any) -> OnnxClassifier:
    """The same classifier whose manifest says something else; `a__b=1` changes field `b` of part `a`."""
    data = json.loads(made.manifest_json)
    for path, value in changes.items():
        *parts, last = path.split("__")
        target = data
        for part in parts:
            target = target[part]
        target[last] = value
    return OnnxClassifier(made.model, data, made.weights, made.bias, made.head)


def with_graph(made: OnnxClassifier, proto: onnx.ModelProto) -> OnnxClassifier:
    """The classifier with another ONNX file, its digest in the manifest put right."""
    model = proto.SerializeToString()
    data = {**made.manifest, "sha256": hashlib.sha256(model).hexdigest()}
    return OnnxClassifier(model, data, made.weights, made.bias, made.head)


def _pixels_as_floats(graph: _Graph, plan: Design) -> str:
    """Float32 in NCHW, whatever the model's input is."""
    tensor = "image"
    if plan.dtype != "float32":
        tensor = graph.add("Cast", [tensor], to=TensorProto.FLOAT)
    return graph.add("Transpose", [tensor], perm=[0, 3, 1, 2]) if plan.layout == "NHWC" else tensor


def _feature_map(graph: _Graph, pixels: str, random: np.random.Generator) -> str:
    kernel = random.standard_normal((_CHANNELS, 3, _PATCH, _PATCH)).astype(np.float32) / _PATCH
    strides = [_PATCH, _PATCH]
    return graph.add("Relu", [graph.add("Conv", [pixels, graph.constant(kernel)], strides=strides)])


def _finished(graph: _Graph, plan: Design, scores: str) -> str:
    if plan.kind == "probabilities":
        scores = graph.add("Softmax", [scores], axis=1)
    if plan.kind == "sigmoid" and plan.sigmoid_applied:
        scores = graph.add("Sigmoid", [scores])
    if plan.output_axes == "width,1,1":
        scores = graph.add("Unsqueeze", [scores, graph.constant(np.array([2, 3]))])
    if plan.output_axes == "none":
        scores = graph.add("Squeeze", [scores, graph.constant(np.array([1]))])
    return graph.add("Cast", [scores], to=_TYPES[plan.output_dtype])


def _model(graph: _Graph, plan: Design, outputs: dict[str, str]) -> bytes:
    batch = plan.batch or "batch"
    side = (3, plan.height, plan.width) if plan.layout == "NCHW" else (plan.height, plan.width, 3)
    width = 1 if plan.kind == "sigmoid" else len(plan.labels)
    axes = {"width": [width], "width,1,1": [width, 1, 1], "none": []}[plan.output_axes]
    declared = {
        "scores": helper.make_tensor_value_info("scores", _TYPES[plan.output_dtype], [batch, *axes]),
        "features": helper.make_tensor_value_info(
            "features", TensorProto.FLOAT, [batch, _CHANNELS, plan.height // _PATCH, plan.width // _PATCH]
        ),
    }
    for name, source in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [source], [name]))
    whole = helper.make_graph(
        graph.nodes,
        "classifier",
        [helper.make_tensor_value_info("image", _TYPES[plan.dtype], [batch, *side])],
        [declared[name] for name in outputs],
        graph.constants,
    )
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def npy(array: NDArray[Any]) -> bytes:
    """The array as a `.npy` file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
