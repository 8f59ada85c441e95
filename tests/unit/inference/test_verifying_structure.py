"""What an ONNX file may be made of: one file, known operators, in every corner of the graph."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.onnx_models import OnnxClassifier, classifier, with_graph
from triagelens.inference.verify import verify_model


def codes(made: OnnxClassifier) -> list[str]:
    return [problem.code for problem in verify_model(made.package)]


def only_message(made: OnnxClassifier, code: str) -> str:
    problems = verify_model(made.package)
    assert [problem.code for problem in problems] == [code]
    return problems[0].message


def proto_of(made: OnnxClassifier) -> onnx.ModelProto:
    return onnx.load_from_string(made.model)


def external(tensor: TensorProto) -> TensorProto:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def test_external_data_of_a_weight_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    external(proto.graph.initializer[0])
    message = only_message(with_graph(made, proto), "external_data")
    assert proto.graph.initializer[0].name in message


def in_a_branch(node: onnx.NodeProto, output: str) -> onnx.NodeProto:
    """An `If` with `node` in one of its branches."""
    info = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    branch = helper.make_graph([node], "branch", [], [info])
    return helper.make_node("If", ["flag"], [f"{output}_chosen"], then_branch=branch, else_branch=branch)


def in_a_function(proto: onnx.ModelProto, node: onnx.NodeProto) -> None:
    function = helper.make_function(
        "somebody", "Wrapped", [], list(node.output), [node], [helper.make_opsetid("", 13)]
    )
    proto.functions.append(function)


def test_external_data_in_a_subgraph_or_a_function_is_refused() -> None:
    made = classifier()
    value = external(numpy_helper.from_array(np.zeros(2, np.float32), "hidden"))
    constant = helper.make_node("Constant", [], ["out"], value=value)

    nested = proto_of(made)
    nested.graph.node.append(in_a_branch(constant, "out"))
    assert "hidden" in only_message(with_graph(made, nested), "external_data")

    wrapped = proto_of(made)
    in_a_function(wrapped, constant)
    assert "hidden" in only_message(with_graph(made, wrapped), "external_data")

    twice = proto_of(made)
    in_a_function(twice, in_a_branch(constant, "out"))
    assert "hidden" in only_message(with_graph(made, twice), "external_data")


def test_external_data_of_a_sparse_weight_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    sparse = proto.graph.sparse_initializer.add()
    sparse.values.CopyFrom(external(numpy_helper.from_array(np.ones(1, np.float32), "sparse")))
    assert "sparse" in only_message(with_graph(made, proto), "external_data")


def test_an_operator_of_an_unknown_domain_is_refused() -> None:
    made = classifier()
    proto = proto_of(made)
    proto.opset_import.append(helper.make_opsetid("evil.example", 1))
    proto.graph.node.append(helper.make_node("Exec", ["image"], ["out"], domain="evil.example"))
    assert "evil.example::Exec" in only_message(with_graph(made, proto), "unknown_operator_domain")


def test_an_unknown_operator_is_found_in_subgraphs_and_functions() -> None:
    made = classifier()
    custom = helper.make_node("Exec", [], ["out"], domain="evil.example")

    nested = proto_of(made)
    nested.graph.node.append(in_a_branch(custom, "out"))
    assert codes(with_graph(made, nested)) == ["unknown_operator_domain"]

    wrapped = proto_of(made)
    in_a_function(wrapped, custom)
    assert codes(with_graph(made, wrapped)) == ["unknown_operator_domain"]

    twice = proto_of(made)
    in_a_function(twice, in_a_branch(custom, "out"))
    assert codes(with_graph(made, twice)) == ["unknown_operator_domain"]


def test_a_domain_that_no_operator_uses_is_harmless() -> None:
    made = classifier()
    proto = proto_of(made)
    proto.opset_import.append(helper.make_opsetid("pkg.exporter", 1))
    assert codes(with_graph(made, proto)) == []


def test_functions_that_the_model_defines_itself_are_served() -> None:
    made = classifier()
    proto = proto_of(made)
    relu = helper.make_node("Relu", ["x"], ["y"])
    function = helper.make_function(
        "pkg.exporter", "rectify", ["x"], ["y"], [relu], [helper.make_opsetid("", 13)]
    )
    proto.functions.append(function)
    proto.opset_import.append(helper.make_opsetid("pkg.exporter", 1))
    proto.graph.node[-1].op_type, proto.graph.node[-1].domain = "rectify", "pkg.exporter"
    assert codes(with_graph(made, proto)) == []


def test_operators_of_onnx_runtimes_own_domain_are_served() -> None:
    made = classifier()
    proto = proto_of(made)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    proto.graph.node[-1].op_type, proto.graph.node[-1].domain = "Gelu", "com.microsoft"
    assert codes(with_graph(made, proto)) == []


def test_an_operator_that_does_not_exist_does_not_load() -> None:
    made = classifier()
    proto = proto_of(made)
    proto.graph.node[-1].op_type = "Divination"
    assert "Divination" in only_message(with_graph(made, proto), "does_not_load")


def test_external_data_in_training_graphs_and_sparse_attributes_is_refused() -> None:
    made = classifier()
    hidden = external(numpy_helper.from_array(np.ones(1, np.float32), "hidden"))

    training = proto_of(made)
    training.training_info.add().initialization.initializer.append(hidden)
    assert "hidden" in only_message(with_graph(made, training), "external_data")

    sparse = TensorProto()
    sparse.CopyFrom(hidden)
    attribute = proto_of(made)
    constant = attribute.graph.node.add(op_type="Constant", output=["out"])
    constant.attribute.add(name="sparse_value").sparse_tensor.values.CopyFrom(sparse)
    assert "hidden" in only_message(with_graph(made, attribute), "external_data")
