"""Opening a model checks its bytes, and reads nothing but them."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from PIL import Image

from tests.onnx_models import OnnxClassifier, classifier, edited, with_graph
from triagelens.domain.errors import ModelError, ModelIntegrityError
from triagelens.inference.package import ModelPackage
from triagelens.inference.session import LoadedModel

IMAGE = Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8))


def with_outside_weights(made: OnnxClassifier, location: Path) -> OnnxClassifier:
    """The same model, one weight of which is read from a file."""
    proto = onnx.load_from_string(made.model)
    weight = max(proto.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    location.write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location.name)
    return with_graph(made, proto)


def test_weights_outside_the_file_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_outside_weights(classifier(), tmp_path / "weights.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="cannot load"):
        LoadedModel.open(made.package)


def test_a_changed_model_is_not_opened() -> None:
    made = classifier()
    changed = bytes([*made.model[:-1], made.model[-1] ^ 1])
    with pytest.raises(ModelIntegrityError, match=r"model\.onnx"):
        LoadedModel.open(ModelPackage(changed, made.manifest_json))


def test_changed_head_weights_are_not_opened() -> None:
    made = classifier(features=True)
    assert made.head is not None
    changed = bytes([*made.head[:-1], made.head[-1] ^ 1])
    with pytest.raises(ModelIntegrityError, match=r"head\.npy"):
        LoadedModel.open(ModelPackage(made.model, made.manifest_json, changed))
    with pytest.raises(ModelError, match="did not come with the model"):
        LoadedModel.open(ModelPackage(made.model, made.manifest_json))


def test_a_file_that_is_no_model_is_not_opened() -> None:
    data = b"not a model"
    made = edited(classifier(), sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ModelError, match="cannot load"):
        LoadedModel.open(ModelPackage(data, made.manifest_json))


@pytest.mark.parametrize(
    "lie", [{"input__name": "no-such"}, {"output__name": "no-such"}, {"input__height": 24}]
)
def test_a_model_that_fails_while_it_runs_says_so(lie: dict[str, Any]) -> None:
    made = edited(classifier(), **lie)
    with pytest.raises(ModelError, match="failed while it ran"):
        LoadedModel.open(made.package).predict(IMAGE)


def test_a_feature_map_that_is_not_finite_is_an_error() -> None:
    made = classifier(features=True)
    proto = onnx.load_from_string(made.model)
    kernel = next(item for item in proto.graph.initializer if len(item.dims) == 4)
    values = np.full(tuple(kernel.dims), np.inf, np.float32)
    kernel.raw_data = values.tobytes()
    with pytest.raises(ModelError, match="not finite"):
        LoadedModel.open(with_graph(made, proto).package).predict(IMAGE)
