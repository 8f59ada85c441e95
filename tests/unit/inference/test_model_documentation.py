"""What docs/models.md says is so."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import triagelens.inference
from triagelens.domain.manifest import Manifest
from triagelens.domain.parity import Parity
from triagelens.domain.specialties import specialty
from triagelens.inference.manifest_schema import manifest_schema
from triagelens.inference.package import ModelPackage
from triagelens.inference.verify import verify_model

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "models.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_the_committed_schema_is_that_of_the_code() -> None:
    committed = (ROOT / "docs" / "manifest.schema.json").read_text()
    assert committed == manifest_schema(), "python -m triagelens.inference.manifest_schema"


def test_every_field_of_the_manifest_is_explained() -> None:
    schema = json.loads(manifest_schema())
    parts = [schema, *schema["$defs"].values()]
    fields = {name for part in parts for name in part["properties"]}
    assert len(fields) > 30
    assert {name for name in fields if not re.search(rf"[`.]{name}[`.]", TEXT)} == set()


def test_every_reason_to_refuse_is_explained_and_no_other() -> None:
    folder = Path(triagelens.inference.__path__[0])
    code = "\n".join(path.read_text() for path in folder.glob("*.py"))
    raised = set(re.findall(r'(?:code=|ModelOutputError\(\s*)"([a-z_]+)"', code))
    raised |= {f"{role}_{what}" for role in ("output", "features", "ood") for what in ("missing", "dtype")}
    table = TEXT[TEXT.index("## Refusals") :]
    explained = {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert explained == raised


def test_the_example_of_a_parity_file_is_a_valid_one() -> None:
    (block,) = [block for block in blocks("json") if '"tolerance"' in block]
    assert Parity.model_validate_json(block).tolerance == 1e-4


@pytest.mark.parametrize("block", [block for block in blocks("json") if '"specialty"' in block])
def test_each_example_is_a_valid_manifest_of_a_known_specialty(block: str) -> None:
    manifest = Manifest.model_validate_json(block)
    assert set(manifest.labels) <= set(specialty(manifest.specialty).label_names)


def row_classifier(values: int) -> onnx.ModelProto:
    """What an exporter makes of a logistic regression: rows of numbers in, probabilities out."""
    weights = np.random.default_rng(0).standard_normal((values, 2)).astype(np.float32) / values
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["X", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "logistic_regression",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, values])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_a_classifier_of_rows_is_served_after_the_documented_reshape() -> None:
    (source,) = blocks("python")
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - the documentation's own example
    model = names["with_image_input"](row_classifier(32 * 32 * 3), 32, 32).SerializeToString()
    manifest = next(json.loads(block) for block in blocks("json") if "logistic-regression" in block)
    manifest["sha256"] = hashlib.sha256(model).hexdigest()
    assert verify_model(ModelPackage(model, json.dumps(manifest).encode())) == []
