"""ONNX classifiers for `tests.holdout.picture`: they tell labels apart by the image's mean grey."""

import json

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from tests.holdout import STEP
from tests.onnx_models import Design, OnnxClassifier, manifest
from triagelens.inference.session import LoadedModel

SHARPNESS = 60.0
RIGHT = 20 + STEP / 2


def grey_classifier(
    labels: tuple[str, ...] = ("normal", "cataract"), *, specialty: str = "eye", version: str = "1.0.0",
    threshold: float = RIGHT,
) -> OnnxClassifier:  # fmt: skip
    """Two labels: the second for an image lighter than `threshold` (grey levels 0..255).

    The right threshold is the default; another one makes a worse model.
    """
    plan = Design(specialty=specialty, labels=labels, version=version, mean=(0.0,) * 3, std=(1.0,) * 3)
    side = np.array([[-SHARPNESS] * 3, [SHARPNESS] * 3], np.float32)
    bias = np.array([1, -1], np.float32) * (3 * SHARPNESS * threshold / 255)
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["scores"], transB=1),
    ]
    image: list[str | int | None] = ["batch", 3, plan.height, plan.width]
    graph = helper.make_graph(
        nodes,
        "grey",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(side, "weights"), numpy_helper.from_array(bias.astype(np.float32), "bias")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(made)
    model = bytes(made.SerializeToString())
    return OnnxClassifier(model, manifest(plan, model), side, bias)


def parity_of(made: OnnxClassifier) -> bytes:
    """parity.json as whoever exported the model would have written it."""
    spec = made.manifest["input"]
    shape = (3, spec["height"], spec["width"])
    loaded = LoadedModel.open(made.package)
    outputs = [
        np.asarray(loaded.run(np.random.default_rng(seed).standard_normal(shape).astype(np.float32)[None])[0])
        for seed in (1, 2)
    ]
    inputs = [{"seed": seed, "shape": shape} for seed in (1, 2)]
    return json.dumps({"inputs": inputs, "outputs": [row[0].tolist() for row in outputs]}).encode()
