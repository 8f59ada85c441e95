"""A model that cannot serve is refused when it is registered, with every reason in clear words."""

import hashlib
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.onnx_models import OnnxClassifier, classifier, edited, with_graph
from triagelens.inference.package import ModelPackage
from triagelens.inference.verify import verify_model


def codes(made: OnnxClassifier) -> list[str]:
    return [problem.code for problem in verify_model(made.package)]


def only_message(made: OnnxClassifier, code: str) -> str:
    problems = verify_model(made.package)
    assert [problem.code for problem in problems] == [code]
    return problems[0].message


def proto_of(made: OnnxClassifier) -> onnx.ModelProto:
    return onnx.load_from_string(made.model)


@pytest.mark.parametrize("design", [{}, {"features": True}, {"features": True, "batch": 4}])
def test_a_sound_model_has_no_problems(design: dict[str, Any]) -> None:
    assert codes(classifier(**design)) == []


def test_a_sigmoid_model_with_features_has_no_problems() -> None:
    assert codes(classifier(kind="sigmoid", labels=("normal", "cataract"), features=True)) == []


def test_a_manifest_that_is_not_valid_names_every_wrong_field() -> None:
    made = edited(classifier(), labels=["only-one"], input__layout="CHW")
    message = only_message(made, "manifest_invalid")
    assert "labels" in message
    assert "input.layout" in message


def test_a_manifest_that_is_not_json_is_refused() -> None:
    package = ModelPackage(classifier().model, b"labels: [a, b]")
    assert [problem.code for problem in verify_model(package)] == ["manifest_invalid"]


def test_bytes_other_than_the_manifest_names_are_refused() -> None:
    made = edited(classifier(), sha256="0" * 64)
    assert "SHA-256" in only_message(made, "digest_mismatch")


def test_a_model_for_an_unknown_specialty_is_refused() -> None:
    assert "skin" in only_message(classifier(specialty="knee"), "unknown_specialty")


def test_all_problems_of_one_kind_are_told_at_once() -> None:
    made = edited(classifier(), sha256="0" * 64, specialty="knee")
    assert codes(made) == ["unknown_specialty", "digest_mismatch"]
    made = edited(classifier(), input__name="pixels", output__name="logits")
    assert codes(made) == ["extra_inputs", "input_missing", "output_missing"]


def test_a_model_over_the_limit_is_refused() -> None:
    problems = verify_model(classifier().package, max_bytes=100)
    assert [problem.code for problem in problems] == ["model_too_large"]


@pytest.mark.parametrize("data", [b"", b"not a model", b"PK\x03\x04" * 50, b"\x0a" * 1000])
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    made = edited(classifier(), sha256=hashlib.sha256(data).hexdigest())
    problems = verify_model(ModelPackage(data, made.manifest_json))
    assert [problem.code for problem in problems] == ["not_onnx"]


def test_a_truncated_model_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    cut = made.model[: len(made.model) // 2]
    truncated = OnnxClassifier(cut, made.manifest, made.weights, made.bias)
    assert codes(truncated) == ["digest_mismatch"]
    del proto.graph.initializer[:]
    assert only_message(with_graph(made, proto), "does_not_load")


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"input__name": "pixels"}, "input_missing", "'pixels'"),
        ({"input__dtype": "float16"}, "input_dtype", "float16"),
        ({"input__height": 32, "input__resize_to": 32}, "input_shape", "32"),
        ({"input__layout": "NHWC"}, "input_shape", "fits layout NCHW"),
        ({"output__name": "probabilities"}, "output_missing", "'probabilities'"),
        ({"labels": ["nv", "mel"]}, "output_shape", "2 labels"),
        ({"labels": ["nv", "mel", "bcc", "df"]}, "output_shape", "4 labels"),
        ({"output__kind": "sigmoid", "labels": ["nv", "mel"]}, "output_shape", "1 value"),
        ({"output__kind": "probabilities"}, "output_not_probabilities", "declared to hold probabilities"),
    ],
)
def test_a_manifest_that_does_not_fit_the_model_is_refused(
    change: dict[str, Any], code: str, says: str
) -> None:
    problems = {
        problem.code: problem.message for problem in verify_model(edited(classifier(), **change).package)
    }
    assert says in problems[code]


def test_probabilities_declared_as_logits_are_noticed() -> None:
    made = edited(classifier(kind="probabilities"), output__kind="logits")
    assert "Say kind: probabilities" in only_message(made, "output_kind")


def test_a_sigmoid_logit_declared_as_a_probability_is_noticed() -> None:
    made = classifier(kind="sigmoid", labels=("normal", "cataract"), sigmoid_applied=False, seed=5)
    assert codes(edited(made, output__sigmoid_applied=True)) == ["output_not_probabilities"]


def test_a_model_that_wants_more_than_the_image_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    proto.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, [1]))
    proto.graph.node.append(helper.make_node("Identity", ["age"], ["age_again"]))
    assert "age" in only_message(with_graph(made, proto), "extra_inputs")


def test_a_weight_that_is_listed_as_an_input_is_not_taken_for_one() -> None:
    made = classifier()
    proto = proto_of(made)
    weight = proto.graph.initializer[0]
    proto.graph.input.append(helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims)))
    assert codes(with_graph(made, proto)) == []


@pytest.mark.parametrize("shape", [["batch", 3, 16], ["batch", 1, 16, 12], ["batch", 3, 12, 16]])
def test_an_input_of_another_shape_is_refused(shape: list[Any]) -> None:
    made = classifier()
    proto = proto_of(made)
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", TensorProto.FLOAT, shape))
    assert codes(with_graph(made, proto))[0] in {"input_shape", "does_not_load"}


def test_free_height_and_width_are_served() -> None:
    made = classifier(features=True)
    proto = proto_of(made)
    free = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "height", "width"])
    proto.graph.input[0].CopyFrom(free)
    assert codes(with_graph(made, proto)) == []


def test_a_model_that_loads_and_fails_on_every_image_is_refused() -> None:
    made = edited(classifier(), input__height=24)
    proto = proto_of(made)
    free = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "height", "width"])
    proto.graph.input[0].CopyFrom(free)
    assert "failed while it ran" in only_message(with_graph(made, proto), "does_not_run")


def test_a_huge_fixed_batch_is_refused() -> None:
    assert "batch" in only_message(classifier(batch=512), "input_batch")


def test_an_output_that_is_not_finite_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    bias = next(item for item in proto.graph.initializer if list(item.dims) == [3])
    bias.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), bias.name))
    assert "not finite" in only_message(with_graph(made, proto), "output_not_finite")


def test_a_class_number_instead_of_scores_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    last = proto.graph.node[-1]
    source = last.input[0]
    last.CopyFrom(helper.make_node("ArgMax", [source], ["scores"], axis=1, keepdims=0))
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("scores", TensorProto.INT64, ["batch"]))
    assert "tensor(int64)" in only_message(with_graph(made, proto), "output_dtype")


def test_a_list_of_label_maps_is_refused() -> None:
    """What scikit-learn's exporter gives unless it is told `zipmap: False`."""
    made = classifier(kind="probabilities")
    proto = proto_of(made)
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    source = proto.graph.node[-1].input[0]
    zipped = helper.make_node(
        "ZipMap", [source], ["scores"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]
    )
    proto.graph.node[-1].CopyFrom(zipped)
    to_float = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    proto.graph.output[0].CopyFrom(
        helper.make_value_info("scores", helper.make_sequence_type_proto(to_float))
    )
    assert "seq(map" in only_message(with_graph(made, proto), "output_dtype")


def test_an_axis_whose_name_is_not_utf_8_is_refused() -> None:
    made = classifier()
    data = made.model.replace(b"batch", b"\xff" * 5)
    assert data != made.model
    changed = edited(made, sha256=hashlib.sha256(data).hexdigest())
    problems = verify_model(ModelPackage(data, changed.manifest_json))
    assert [problem.code for problem in problems] == ["does_not_load"]


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=5),
    st.sampled_from([{}, {"features": True}]),
)
def test_a_damaged_model_is_judged_and_breaks_nothing(
    damage: list[tuple[float, int]], design: dict[str, Any]
) -> None:
    made = classifier(height=8, width=8, **design)
    data = bytearray(made.model)
    for place, value in damage:
        data[int(place * len(data))] = value
    changed = edited(made, sha256=hashlib.sha256(data).hexdigest())
    problems = verify_model(ModelPackage(bytes(data), changed.manifest_json, made.head))
    assert all(problem.message for problem in problems)
