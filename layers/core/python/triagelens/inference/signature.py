"""A loaded model's declared inputs and outputs, compared with its manifest."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from triagelens.domain.models import Problem

if TYPE_CHECKING:
    import onnxruntime as ort

    from triagelens.domain.manifest import InputSpec, Manifest

_INPUT_TYPES = {"float32": "tensor(float)", "float16": "tensor(float16)", "uint8": "tensor(uint8)"}
_OUTPUT_TYPES = frozenset({"tensor(float)", "tensor(float16)", "tensor(double)"})
_MOST_BATCH = 64


def signature_problems(session: "ort.InferenceSession", manifest: "Manifest") -> list[Problem]:
    """Everything in which the graph's inputs and outputs differ from what the manifest says."""
    return [*_input_problems(session, manifest), *_output_problems(session, manifest)]


def _input_problems(session: "ort.InferenceSession", manifest: "Manifest") -> Iterator[Problem]:
    spec = manifest.input
    inputs = {entry.name: entry for entry in session.get_inputs()}
    others = sorted(set(inputs) - {spec.name})
    if others:
        message = f"The model needs more inputs than the image: {', '.join(others)}."
        yield Problem(code="extra_inputs", message=message)
    if spec.name not in inputs:
        message = f"The model has no input {spec.name!r}; it has {', '.join(sorted(inputs)) or 'none'}."
        yield Problem(code="input_missing", message=message)
        return
    entry = inputs[spec.name]
    if entry.type != _INPUT_TYPES[spec.dtype]:
        message = f"Input {spec.name!r} is {entry.type}, the manifest says {spec.dtype}."
        yield Problem(code="input_dtype", message=message)
    yield from _input_shape_problems(list(entry.shape), spec)


def _input_shape_problems(shape: list[Any], spec: "InputSpec") -> Iterator[Problem]:
    """`shape` holds a number for a fixed length, and a name or None for a free one."""
    wanted = _image_shape(spec, spec.layout)
    said = (
        f"Input {spec.name!r} has shape {shape}, the manifest says {spec.layout} (batch, {_listed(wanted)})"
    )
    if len(shape) != 4 or not _fits(shape[1:], wanted):
        other = "NHWC" if spec.layout == "NCHW" else "NCHW"
        hint = ""
        if len(shape) == 4 and _fits(shape[1:], _image_shape(spec, other)):
            hint = f" It fits layout {other}."
        yield Problem(code="input_shape", message=f"{said}.{hint}")
    elif isinstance(shape[0], int) and not 1 <= shape[0] <= _MOST_BATCH:
        message = f"{said}; a fixed batch may hold 1 to {_MOST_BATCH} images."
        yield Problem(code="input_batch", message=message)


def _output_problems(session: "ort.InferenceSession", manifest: "Manifest") -> Iterator[Problem]:
    outputs = {entry.name: entry for entry in session.get_outputs()}
    wanted = {"output": manifest.output.name}
    if manifest.explain:
        wanted["features"] = manifest.explain.features_output
    if manifest.ood_output and manifest.ood_output not in wanted.values():
        wanted["ood"] = manifest.ood_output
    for role, name in wanted.items():
        if name not in outputs:
            message = f"The model has no output {name!r} ({role}); it has {', '.join(sorted(outputs))}."
            yield Problem(code=f"{role}_missing", message=message)
        elif outputs[name].type not in _OUTPUT_TYPES:
            message = f"Output {name!r} ({role}) is {outputs[name].type}; it must be a tensor of floats."
            yield Problem(code=f"{role}_dtype", message=message)
        elif role == "features" and len(outputs[name].shape) not in (0, 4):  # 0: rank not declared
            message = f"Output {name!r} (features) has shape {outputs[name].shape}; it must have four axes."
            yield Problem(code="features_shape", message=message)
        elif role == "ood" and len(outputs[name].shape) not in (0, 2, 4):
            message = f"Output {name!r} (ood) has shape {outputs[name].shape}; it must have two or four axes."
            yield Problem(code="ood_shape", message=message)


def _image_shape(spec: "InputSpec", layout: str) -> tuple[int, int, int]:
    return (3, spec.height, spec.width) if layout == "NCHW" else (spec.height, spec.width, 3)


def _fits(shape: list[Any], wanted: tuple[int, ...]) -> bool:
    return all(not isinstance(have, int) or have == want for have, want in zip(shape, wanted, strict=True))


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
