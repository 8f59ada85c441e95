"""An int8 variant of an exported model: static quantisation, calibrated on images of the validation set.

What stands between the feature map and the logits stays in float32: the head's weights are those of the
sidecar, so that class activation from the feature map remains exact. Weights have 7 bits, since products
with 8 saturate on x86 processors without VNNI, and the model would answer otherwise there than elsewhere.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from pydantic import BaseModel, ConfigDict

from training_job.texture import TEXTURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training_job.evaluate import Inputs

CALIBRATION_IMAGES = 64
LARGEST_DROP = 0.005


class QuantisedMeasures(BaseModel):
    """The int8 variant against float32, both on validation images.

    Attributes:
        drop: of the balanced accuracy, 0..1; negative if int8 does better.
        kept: whether the int8 variant is the model that is served.
    """

    model_config = ConfigDict(frozen=True)

    balanced_accuracy_fp32: float
    balanced_accuracy_int8: float
    drop: float
    kept: bool


class _Reader(CalibrationDataReader):
    """Single images, evenly spaced over all."""

    def __init__(self, name: str, inputs: "Inputs") -> None:
        places = np.unique(np.linspace(0, len(inputs) - 1, CALIBRATION_IMAGES).round().astype(int))
        self._tensors: Iterator[NDArray[np.float32]] = (inputs[place : place + 1] for place in places)
        self._name = name

    def get_next(self) -> dict[str, Any] | None:
        tensor = next(self._tensors, None)
        return None if tensor is None else {self._name: tensor}


def quantise(model: bytes, inputs: "Inputs") -> bytes:
    """The same model with int8 weights and activations; input and outputs stay float32.

    Args:
        inputs: at least one image to calibrate on.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, made = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "int8"))
        source.write_bytes(model)
        quant_pre_process(str(source), str(prepared))
        graph = onnx.load(prepared).graph
        quantize_static(
            str(prepared),
            str(made),
            _Reader(graph.input[0].name, inputs),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=head_nodes(graph),
        )
        quantised = onnx.load(made)
    onnx.checker.check_model(quantised)
    return bytes(quantised.SerializeToString(deterministic=True))


def head_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that make `logits` of `features`, and of those that average `texture`."""
    makers = {output: node for node in graph.node for output in node.output}
    found = [node.name for node in graph.node if node.name.startswith(TEXTURE)]
    wanted = ["logits"]
    while wanted:
        node = makers.get(wanted.pop())
        if node is not None:
            found.append(node.name)
            wanted += [name for name in node.input if name != "features"]
    return found


def compare(fp32: float, int8: float) -> QuantisedMeasures:
    """Whether the int8 variant is good enough, from both balanced accuracies."""
    drop = round(fp32 - int8, 6)
    return QuantisedMeasures(
        balanced_accuracy_fp32=fp32, balanced_accuracy_int8=int8, drop=drop, kept=drop < LARGEST_DROP
    )
