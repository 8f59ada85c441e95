"""Which model the gate compares with."""

from typing import TYPE_CHECKING

from triagelens.domain.gate import Reference
from triagelens.inference.gate import ReferenceModel
from triagelens.inference.session import LoadedModel

if TYPE_CHECKING:
    from triagelens.inference.model_store import ModelStore
    from triagelens.inference.ports import Baselines, ProductionPointers


def reference_of(
    specialty: str, pointers: "ProductionPointers", store: "ModelStore", baselines: "Baselines"
) -> ReferenceModel | None:
    """The model in production; the baseline, in whatever stage, where there is none; else None.

    Raises:
        ModelError: it cannot serve.
    """
    pointer = pointers.production(specialty)
    if pointer is not None and not pointer.withdrawn:
        loaded = store.registered(specialty, pointer)
        known = Reference(kind="production", version=pointer.version, sha256=pointer.model_sha256)
        return ReferenceModel(loaded, known)
    package = baselines.package(specialty)
    if package is None:
        return None
    loaded = LoadedModel.open(package)
    known = Reference(kind="baseline", version=loaded.manifest.version, sha256=loaded.manifest.sha256)
    return ReferenceModel(loaded, known)
