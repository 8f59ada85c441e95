"""Answers of the API about exports."""

from datetime import date, datetime

from pydantic import Field

from triagelens_client.models import Answer

ENDED = frozenset({"ready", "failed", "expired"})


class ExportDownload(Answer):
    """Where the file can be fetched, until `expires_at`."""

    url: str
    expires_at: datetime


class ExportProblem(Answer):
    """Why there is no file; `code` is stable."""

    code: str
    message: str


class Export(Answer):
    """An export as it was when it was read.

    Attributes:
        first, last: days (UTC) on which its images or cases were begun.
        include_people: whether names and free text are in the file.
        rows: images or cases in the file.
        expires_at: when the file goes.
        download: of an export that is ready and was asked for by its id.
    """

    export_id: str
    status: str
    what: str
    format: str
    specialty: str | None = None
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    include_people: bool
    requested_by: str
    created_at: datetime
    rows: int | None = None
    size_bytes: int | None = None
    expires_at: datetime | None = None
    failure: ExportProblem | None = None
    download: ExportDownload | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def filename(self) -> str:
        """What its file is called."""
        ending = "coco.json" if self.format == "coco" else self.format
        return f"{self.what}.{ending}"
