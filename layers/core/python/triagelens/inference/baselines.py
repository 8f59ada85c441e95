"""The baseline models, read as package data from their layer."""

from importlib.resources import files
from typing import TYPE_CHECKING

from triagelens.inference.package import ModelPackage

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PACKAGE = "baseline_models"


class PackagedBaselines:
    """Baselines in an importable package: `<package>/<specialty>/{model.onnx,manifest.json,head.npy}`."""

    def __init__(self, package: str = PACKAGE) -> None:
        self._package = package

    def package(self, specialty: str) -> ModelPackage | None:
        """The baseline of that specialty; None if the package has none.

        Raises:
            ModuleNotFoundError: the layer with the package is missing.
        """
        folder = files(self._package) / specialty
        if not (folder / "manifest.json").is_file():
            return None
        return ModelPackage(
            model=(folder / "model.onnx").read_bytes(),
            manifest=(folder / "manifest.json").read_bytes(),
            head=_optional(folder / "head.npy"),
        )


def _optional(file: "Traversable") -> bytes | None:
    return file.read_bytes() if file.is_file() else None
