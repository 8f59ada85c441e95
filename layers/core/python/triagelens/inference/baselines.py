"""The baseline models, read as package data from their layer."""

from importlib.resources import files
from typing import TYPE_CHECKING

from triagelens.inference.package import ModelPackage

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PACKAGE = "baseline_models"


class PackagedBaselines:
    """Baselines as `<specialty>/{model.onnx,manifest.json,head.npy}` in a folder of package data.

    Args:
        folder: where they lie; by default the package of the models layer.
    """

    def __init__(self, folder: "Traversable | None" = None) -> None:
        self._folder = folder

    def package(self, specialty: str) -> ModelPackage | None:
        """The baseline of that specialty; None if there is none.

        Raises:
            ModuleNotFoundError: the models layer is missing.
        """
        folder = (self._folder or files(PACKAGE)) / specialty
        if not (folder / "manifest.json").is_file():
            return None
        head = folder / "head.npy"
        return ModelPackage(
            model=(folder / "model.onnx").read_bytes(),
            manifest=(folder / "manifest.json").read_bytes(),
            head=head.read_bytes() if head.is_file() else None,
        )
