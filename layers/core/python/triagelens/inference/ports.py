"""What the model store needs from the outside."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from triagelens.domain.models import ProductionPointer
    from triagelens.inference.package import ModelPackage


class ProductionPointers(Protocol):
    """The registry's production pointers."""

    def production(self, specialty: str) -> "ProductionPointer | None":
        """The pointer of that specialty as last written; None if no model was ever activated."""


class ModelObjects(Protocol):
    """The models bucket."""

    def read(self, key: str, object_version: str) -> bytes:
        """The bytes of exactly that object version.

        Raises:
            NotFoundError: there is no such version.
        """


class Baselines(Protocol):
    """The models that answer where none is registered."""

    def package(self, specialty: str) -> "ModelPackage | None":
        """The baseline of that specialty, if there is one."""
