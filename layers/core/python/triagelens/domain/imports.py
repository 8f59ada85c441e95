"""Models brought by hand: announced, uploaded, then registered or refused."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from triagelens.domain.manifest import Slug
from triagelens.domain.models import Problem


class ImportStatus(StrEnum):
    """Where an import stands: what is decided has the words of `ModelStatus`.

    `expired` is derived when read and never stored.
    """

    AWAITING_UPLOAD = "awaiting_upload"
    CANDIDATE = "candidate"
    REFUSED = "refused"
    NOT_EVALUABLE = "not_evaluable"
    EXPIRED = "expired"


class ModelImport(BaseModel):
    """One announced model, from the request for upload forms to the registry's verdict.

    Attributes:
        requested_by: opaque id of the admin, or of the person whose training job brings it.
        job_id: the training job that brings it; its files include `parity.json`.
        started_by: opaque id of who started that job, and so may not promote what came of it.
        problems: why it was refused; empty otherwise.
        version: of the model, as its manifest says.
        lock: optimistic lock of the stored item.
    """

    model_config = ConfigDict(frozen=True)

    import_id: str
    specialty: Slug
    name: Slug
    version: Slug
    status: ImportStatus = ImportStatus.AWAITING_UPLOAD
    problems: tuple[Problem, ...] = ()
    requested_by: str
    correlation_id: str
    created_at: datetime
    upload_expires_at: datetime
    job_id: str | None = None
    started_by: str | None = None
    lock: int | None = None


INCOMING = "incoming/"


def incoming_key(import_id: str, name: str) -> str:
    """S3 key of a file on its way in: `model.onnx`, `head.npy`, `parity.json` or `manifest.json`."""
    return f"{INCOMING}{import_id}/{name}"


def import_id_of(key: str) -> str:
    """The import that an incoming file's key names."""
    return key.removeprefix(INCOMING).partition("/")[0]
