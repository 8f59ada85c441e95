"""Exports over HTTP."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.exports import EARLIEST, Export, ExportFormat, ExportStatus, ExportWhat, Wanted
from triagelens.services.exports import Download
from triagelens.services.ports import Page


class ExportRequest(BaseModel):
    """What to write to a file."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "what": "images",
                    "format": "csv",
                    "specialty": "skin",
                    "from": "2026-10-01",
                    "to": "2026-10-31",
                }
            ]
        },
    )

    what: ExportWhat = Field(description="Images with their findings, or cases with their labels")
    format: ExportFormat = Field(
        description="`csv`, `jsonl` (JSON Lines): one row each. `coco`: what readers drew, of one specialty"
    )
    specialty: str | None = Field(
        default=None, max_length=64, description="Only this one; needed for `coco`", examples=["skin"]
    )
    first: date | None = Field(
        default=None,
        alias="from",
        ge=EARLIEST,
        description="First day (UTC) on which they were begun; from the beginning, if not given",
        examples=["2026-10-01"],
    )
    last: date | None = Field(
        default=None,
        alias="to",
        ge=EARLIEST,
        description="Last day; today, if not given",
        examples=["2026-10-31"],
    )
    include_people: bool = Field(
        default=False,
        description="With patients' names and all that people typed: notes, diagnoses, reasons, names of "
        "files and devices (admin only)",
    )

    def wanted(self) -> Wanted:
        return Wanted.model_validate(self.model_dump())


class ExportDownload(BaseModel):
    """Where the file can be fetched, and until when."""

    url: str = Field(
        description="A GET without a token, that browsers keep as a file",
        examples=["https://bucket.example.org/exports/images.csv?signature=..."],
    )
    expires_at: datetime = Field(description="Ask for the export again after this")


class ExportProblem(BaseModel):
    """Why there is no file."""

    code: str = Field(
        description="`too_large`, `too_long`, `processing_error` or `lost`", examples=["too_long"]
    )
    message: str = Field(examples=["The export took too long; ask for fewer days, or for one specialty."])


class ExportResponse(BaseModel):
    """An export as it stands now."""

    model_config = ConfigDict(populate_by_name=True)

    export_id: str = Field(examples=["01k9yq3v6n8m2r5t7w9x1z3b5d"])
    status: ExportStatus = Field(
        description="`expired`: the file is gone after seven days; ask for a new one"
    )
    what: ExportWhat
    format: ExportFormat
    specialty: str | None = Field(default=None, description="Null: all of them", examples=["skin"])
    first: date = Field(alias="from", description="First day (UTC)", examples=["2026-10-01"])
    last: date = Field(alias="to", description="Last day (UTC)", examples=["2026-10-31"])
    include_people: bool
    requested_by: str = Field(description="Opaque id of the person")
    created_at: datetime
    updated_at: datetime
    rows: int | None = Field(default=None, description="Images or cases in the file", examples=[1250])
    size_bytes: int | None = Field(default=None, description="Of the file", examples=[734_003])
    expires_at: datetime | None = Field(default=None, description="When the file goes")
    failure: ExportProblem | None = None
    download: ExportDownload | None = Field(
        default=None, description="Once it is `ready`; not in lists, and not in the answer that accepts it"
    )

    @classmethod
    def of(cls, export: Export, download: Download | None = None) -> Self:
        return cls(
            export_id=export.export_id,
            status=export.status,
            **export.wanted.model_dump(exclude={"first", "last"}),
            first=export.first,
            last=export.last,
            requested_by=export.owner,
            created_at=export.created_at,
            updated_at=export.updated_at,
            rows=None if export.file is None else export.file.rows,
            size_bytes=None if export.file is None else export.file.size_bytes,
            expires_at=export.expires_at,
            failure=None
            if export.failure is None
            else ExportProblem(code=export.failure.code, message=export.failure.message),
            download=None
            if download is None
            else ExportDownload(url=download.url, expires_at=download.expires_at),
        )


class ExportList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[ExportResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Export]) -> Self:
        return cls(items=[ExportResponse.of(export) for export in page.items], cursor=page.cursor)
