"""Reports over HTTP."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from clinic_api.schemas.auth import Request
from clinic_api.schemas.images import PATIENT_ID_EXAMPLE, ContentResponse
from triagelens.domain.reports import Audience, Report, ReportKind, ReportStatus
from triagelens.services.images import SignedUrl
from triagelens.services.ports import Page

REPORT_ID_EXAMPLE = "01k9qs2w8b4n6d1f9j5m7r3t0v"


class ReportRequest(Request):
    """What the report is to be."""

    audience: Audience = Field(
        default=Audience.CLINIC,
        description="`clinic`: with notes, reasons, labels and comments, for clinicians only. `patient`: "
        "without these, and for the patient to see",
    )


class ReportFailureResponse(BaseModel):
    """Why there is no report."""

    code: str = Field(examples=["processing_error"])
    message: str = Field(examples=["The report could not be made."])


class ReportResponse(BaseModel):
    """A report. Once it is ready it never changes."""

    report_id: str = Field(examples=[REPORT_ID_EXAMPLE])
    kind: ReportKind
    audience: Audience
    status: ReportStatus
    case_id: str | None = Field(default=None, examples=["01k9qr1p5d3x7w2b9v4m6t8c0f"])
    patient_id: str | None = Field(
        default=None, description="Whose details it shows", examples=[PATIENT_ID_EXAMPLE]
    )
    requested_by: str = Field(description="Opaque id of who asked for it")
    created_at: datetime
    completed_at: datetime | None = None
    number: int | None = Field(
        default=None,
        description="Counts the versions of this case's or patient's reports; printed on each page. Two "
        "reports with the same number are the same file: nothing had changed in between",
        examples=[1],
    )
    sha256: str | None = Field(default=None, description="Of the file")
    size_bytes: int | None = Field(default=None, examples=[182_044])
    pages: int | None = Field(default=None, examples=[2])
    images: int | None = Field(default=None, description="How many it shows", examples=[1])
    failure: ReportFailureResponse | None = None

    @classmethod
    def of(cls, report: Report) -> Self:
        return cls.model_validate(_fields(report))


class ReportDetailResponse(ReportResponse):
    """A report, and where to fetch it."""

    download: ContentResponse | None = Field(
        default=None, description="The PDF, once it is ready. The link is good for five minutes"
    )

    @classmethod
    def with_download(cls, report: Report, signed: SignedUrl | None, now: datetime) -> Self:
        download = None if signed is None else ContentResponse.of(signed, now)
        return cls.model_validate({**_fields(report), "download": download})


class ReportList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[ReportResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Report]) -> Self:
        return cls(items=[ReportResponse.of(report) for report in page.items], cursor=page.cursor)


def _fields(report: Report) -> dict[str, object]:
    shown = report.model_dump(exclude={"edition", "failure", "correlation_id", "version"})
    edition = (
        report.edition.model_dump(exclude={"key", "made_at", "audience", "findings"})
        if report.edition
        else {}
    )
    failure = report.failure.model_dump(exclude={"retryable"}) if report.failure else None
    return {**shown, **edition, "failure": failure}
