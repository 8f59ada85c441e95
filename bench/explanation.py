"""What it costs to keep the evidence for a later heatmap with each prediction: with and without, in pairs."""

import hashlib
import statistics
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.materials import Materials
    from triagelens.inference.package import ModelPackage


def ways(materials: "Materials", threads: int) -> Mapping[str, Callable[[], object]]:
    """The same network on the same working image: with its evidence, and without any features."""
    from PIL import Image

    from triagelens.inference.session import LoadedModel

    package = materials.package()
    explained = LoadedModel.open(package, threads)
    plain = LoadedModel.open(_without_features(package), threads)
    with Image.open(materials.photo) as photo:
        photo.draft("RGB", (1008, 756))
        working_image = photo.convert("RGB")
    return {
        "explained": lambda: explained.predict(working_image),
        "plain": lambda: plain.predict(working_image),
    }


def report(taken: Mapping[str, list[float]]) -> dict[str, Any]:
    """The median of what evidence adds, round by round, as a share of the median prediction without it.

    Args:
        taken: milliseconds of both ways in each round.
    """
    added = [with_it - without for with_it, without in zip(taken["explained"], taken["plain"], strict=True)]
    plain = statistics.median(taken["plain"])
    return {
        "explanation_share": round(statistics.median(added) / plain, 4),
        "explanation_ms": {"predict": round(plain, 2), "added": round(statistics.median(added), 3)},
        "explanation_rounds": len(added),
    }


def _without_features(package: "ModelPackage") -> "ModelPackage":
    """The network with its logits as its only output, so that nothing is kept back from its optimiser."""
    import onnx

    from triagelens.domain.manifest import Manifest
    from triagelens.inference.package import ModelPackage

    manifest = Manifest.model_validate_json(package.manifest)
    model = onnx.load_from_string(package.model)
    logits = [output for output in model.graph.output if output.name == manifest.output.name]
    del model.graph.output[:]
    model.graph.output.extend(logits)
    data = model.SerializeToString()
    plain = manifest.model_copy(update={"explain": None, "sha256": hashlib.sha256(data).hexdigest()})
    return ModelPackage(model=data, manifest=plain.model_dump_json().encode())
