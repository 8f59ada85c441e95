"""What the model store and the gate need from the outside."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from triagelens.domain.gate import HoldoutImage
    from triagelens.domain.models import Candidate, ProductionPointer
    from triagelens.domain.rollout import Arm, Tally
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


class Signatures(Protocol):
    """Whether a message was signed with the platform's own key."""

    def verify(self, message: bytes, signature: str) -> bool:
        """`signature` is base64 of a DER-encoded ECDSA signature."""


class TrialCounts(Protocol):
    """Where it is counted what a candidate and the model beside it do."""

    def count(self, specialty: str, trial: "Candidate", arm: "Arm", tally: "Tally") -> None:
        """Adds to the present hour of one arm."""


class Holdout(Protocol):
    """Images that no model was or will be trained on."""

    def images(self, specialty: str) -> "Sequence[HoldoutImage]":
        """All of that specialty; the same ones in the same order as long as none is added or erased."""


class HoldoutFiles(Protocol):
    """Working images, wherever they lie."""

    def read(self, image: "HoldoutImage") -> bytes:
        """Raises NotFoundError if it is gone."""
