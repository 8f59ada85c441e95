"""A second look at the image: what the network sees of its texture, as an output of the exported graph.

The last feature map knows what tells classes apart and little else: noise or a page of text can look like a
class to it. Maps half-way through still hold what an image is made of (Lee et al., 2018, use those of all
layers). One is averaged over rows and columns, that of an eighth of the input's side: coarser ones told other
kinds of images from phantoms less well, and finer ones cost more.
"""

import math

import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper

TEXTURE = "texture"
_STRIDE = 8
_AVERAGED = f"{TEXTURE}_map"


def with_texture(model: bytes) -> bytes:
    """The same model with output `texture` (batch, channels); unchanged where no map has the right size.

    Args:
        model: with one input (batch, 3, height, width), and the shapes of what it computes.
    """
    proto: ModelProto = onnx.load_from_string(model)
    found = _middle(proto.graph)
    if found is None:
        return model
    name, channels = found
    graph = proto.graph
    graph.node.append(helper.make_node("GlobalAveragePool", [name], [_AVERAGED], name=_AVERAGED))
    graph.node.append(helper.make_node("Flatten", [_AVERAGED], [TEXTURE], name=TEXTURE, axis=1))
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param or None
    graph.output.append(helper.make_tensor_value_info(TEXTURE, TensorProto.FLOAT, [batch, channels]))
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def _middle(graph: GraphProto) -> tuple[str, int] | None:
    """The last map of an eighth of the input's side, and how many channels it has."""
    _, _, height, width = (entry.dim_value for entry in graph.input[0].type.tensor_type.shape.dim)
    wanted = [math.ceil(side / _STRIDE) for side in (height, width)]
    shapes = {
        value.name: [entry.dim_value for entry in value.type.tensor_type.shape.dim]
        for value in graph.value_info
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    fitting = [
        (name, shape[1])
        for node in graph.node
        for name in node.output
        if len(shape := shapes.get(name, [])) == 4 and shape[2:] == wanted and shape[1] > 0
    ]
    return fitting[-1] if fitting else None
