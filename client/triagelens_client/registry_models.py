"""Answers of the API about registered models."""

from datetime import datetime

from triagelens_client.models import Answer, UploadForm

REGISTERED_IMPORTS = frozenset({"candidate", "not_evaluable"})
DECIDED_IMPORTS = REGISTERED_IMPORTS | {"refused", "expired"}


class Problem(Answer):
    """One reason why a model was refused."""

    code: str
    message: str


class Model(Answer):
    """One registered version of a specialty's model.

    Attributes:
        status: `candidate`, `refused`, `not_evaluable` or `retired`.
        production: whether it answers for its specialty now.
        share: of the images, while it is on trial beside the one in production.
        sha256: digest of model.onnx.
    """

    specialty: str
    name: str
    version: str
    status: str
    problems: tuple[Problem, ...] = ()
    production: bool = False
    share: float | None = None
    sha256: str | None = None
    intended_use: str | None = None
    created_at: datetime | None = None


class ImportUploads(Answer):
    """Where each file of a model goes; the manifest last, since its arrival starts the checks."""

    model: UploadForm
    head: UploadForm | None = None
    manifest: UploadForm


class ImportCreated(Answer):
    import_id: str
    uploads: ImportUploads


class ModelImport(Answer):
    """How far a model's registration has come.

    Attributes:
        status: `awaiting_upload` until the checks are through, then `candidate`, `refused` or
            `not_evaluable`; `expired` if no manifest ever came.
    """

    import_id: str
    status: str
    specialty: str | None = None
    version: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether the checks have come to an end."""
        return self.status in DECIDED_IMPORTS

    @property
    def is_registered(self) -> bool:
        """Whether the model was checked and can serve, with a verdict of the gate or without."""
        return self.status in REGISTERED_IMPORTS
