"""What the use cases about models need from the outside."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from triagelens.domain.imports import ModelImport
from triagelens.domain.models import Candidate, ProductionPointer, RegisteredModel
from triagelens.domain.rollout import Arm, Tally
from triagelens.services.ports import Page, UploadForm


class Registry(Protocol):
    """Models, production pointers and imports."""

    def model(self, specialty: str, version: str) -> RegisteredModel:
        """Raises NotFoundError if that version was never registered."""

    def models_of(self, specialty: str, limit: int, cursor: str | None) -> Page[RegisteredModel]:
        """A specialty's models, by version.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def add_model(self, model: RegisteredModel) -> RegisteredModel:
        """Registers a version. One that was refused before may be replaced, any other not.

        Raises:
            ConflictError: that version is registered.
        """

    def production(self, specialty: str) -> ProductionPointer | None:
        """Which model answers, read consistently; None if none was ever activated."""

    def point(self, pointer: ProductionPointer, decided: RegisteredModel | None = None) -> None:
        """Writes the pointer over the one of the revision before, together with the model's card if given.

        Raises:
            ConflictError: somebody else moved it, or changed the card, in the meantime.
        """

    def replace_model(self, model: RegisteredModel, pointer: ProductionPointer | None) -> None:
        """Writes the model's card over the one it was read at, if the pointer still is as given.

        Raises:
            ConflictError: one of the two has changed since.
        """

    def add_import(self, announced: ModelImport) -> ModelImport: ...

    def model_import(self, import_id: str) -> ModelImport:
        """Raises NotFoundError if there is none."""

    def replace_import(self, announced: ModelImport) -> ModelImport:
        """Writes over the version it was read at.

        Raises:
            ConflictError: it has changed since.
        """


class Trials(Protocol):
    """What a candidate and the model beside it did since the trial began."""

    def count(self, specialty: str, trial: Candidate, arm: Arm, tally: Tally) -> None:
        """Adds to the present hour of one arm."""

    def tally(self, specialty: str, trial: Candidate, arm: Arm) -> Tally:
        """Everything of one arm within the window."""


@dataclass(frozen=True)
class StoredFile:
    """A file's bytes and the object version that they are."""

    data: bytes
    key: str
    object_version: str


class ModelFileStore(Protocol):
    """The models bucket, for the one who registers."""

    def incoming(self, key: str, object_version: str | None = None) -> StoredFile:
        """That version of an uploaded file, or the latest.

        Raises:
            NotFoundError: it never came.
        """

    def keep(self, file: StoredFile, key: str) -> StoredFile:
        """Copies a file to where models live. Done again, it makes another version of the same bytes."""


class ModelUploads(Protocol):
    """The part of the models bucket that uploads go to."""

    def form(
        self, key: str, content_type: str, sizes: tuple[int, int], sha256: str | None, lifetime: timedelta
    ) -> UploadForm:
        """A presigned POST for exactly that key and type, a size range in bytes, and a checksum if given."""
