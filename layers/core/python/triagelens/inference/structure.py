"""What an ONNX file is made of, checked before ONNX Runtime is let near it.

The only module of the library that imports `onnx`.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from triagelens.domain.models import Problem

if TYPE_CHECKING:
    from onnx import AttributeProto

ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})


def structural_problems(model: bytes) -> list[Problem]:
    """Why the file may not be loaded: not ONNX, external data, or operators of an unknown domain.

    Subgraphs (of `If`, `Loop`, `Scan`) and model-local functions are searched too. A domain that
    appears only in `opset_import` is harmless, and so is one whose operators the model defines itself.
    """
    proto = ModelProto()
    try:
        proto.ParseFromString(model)
    except DecodeError:
        return [Problem(code="not_onnx", message="The file is not an ONNX model.")]
    if not proto.graph.node or not proto.graph.output:
        return [Problem(code="not_onnx", message="The file is not an ONNX model: it holds no graph.")]
    return [*_external_data(proto), *_unknown_operators(proto)]


def _external_data(proto: ModelProto) -> list[Problem]:
    names = sorted({tensor.name or "unnamed" for tensor in _tensors(proto) if _is_external(tensor)})
    if not names:
        return []
    message = (
        f"{len(names)} tensor(s) lie outside the file ({_some(names)}). Save the model as one file, "
        "for example with onnx.save(..., save_as_external_data=False)."
    )
    return [Problem(code="external_data", message=message)]


def _unknown_operators(proto: ModelProto) -> list[Problem]:
    own = {(function.domain, function.name) for function in proto.functions}
    unknown = sorted(
        {
            f"{node.domain}::{node.op_type}"
            for node in _nodes(proto)
            if node.domain not in ALLOWED_DOMAINS and (node.domain, node.op_type) not in own
        }
    )
    if not unknown:
        return []
    allowed = ", ".join(sorted(ALLOWED_DOMAINS - {""}))
    message = f"Operators of a domain that is not served: {_some(unknown)}. Served are {allowed}."
    return [Problem(code="unknown_operator_domain", message=message)]


def _is_external(tensor: TensorProto) -> bool:
    return tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data) > 0


def _nodes(proto: ModelProto) -> Iterator[NodeProto]:
    for graph in _graphs(proto):
        yield from graph.node
    for function in proto.functions:
        yield from function.node


def _graphs(proto: ModelProto) -> Iterator[GraphProto]:
    yield from _with_subgraphs(proto.graph)
    for training in proto.training_info:
        yield from _with_subgraphs(training.initialization)
        yield from _with_subgraphs(training.algorithm)
    for function in proto.functions:
        yield from _subgraphs(function.node)


def _with_subgraphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    yield from _subgraphs(graph.node)


def _subgraphs(nodes: Iterable[NodeProto]) -> Iterator[GraphProto]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _with_subgraphs(attribute.g)
            for graph in attribute.graphs:
                yield from _with_subgraphs(graph)


def _tensors(proto: ModelProto) -> Iterator[TensorProto]:
    for graph in _graphs(proto):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _nodes(proto):
        for attribute in node.attribute:
            yield from _attribute_tensors(attribute)
    for function in proto.functions:
        for attribute in function.attribute_proto:
            yield from _attribute_tensors(attribute)


def _attribute_tensors(attribute: "AttributeProto") -> Iterator[TensorProto]:
    yield from (attribute.t, *attribute.tensors)
    for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
        yield from (sparse.values, sparse.indices)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
