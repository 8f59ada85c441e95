"""Reports over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field

from clinic_api.schemas.auth import Request
from clinic_api.schemas.datasets import PRINTABLE
from clinic_api.schemas.images import PATIENT_ID_EXAMPLE, ContentResponse, UploadFormResponse
from triagelens.domain.manifest import Slug
from triagelens.domain.reports import Audience, Report, ReportKind, ReportStatus
from triagelens.services.former_reports import FormerFile, TakenOver
from triagelens.services.images import SignedUrl
from triagelens.services.ports import Page

REPORT_ID_EXAMPLE = "01k9qs2w8b4n6d1f9j5m7r3t0v"
MOST_FORMER_BYTES = 50_000_000
_OF_A_FILE = {"number", "sha256", "size_bytes", "pages", "images"}
CountName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class ReportRequest(Request):
    """What the report is to be."""

    audience: Audience = Field(
        default=Audience.CLINIC,
        description="`clinic`: with notes, reasons, labels and comments, for clinicians only. `patient`: "
        "without these, and for the patient to see",
    )


class FormerReportRequest(Request):
    """A PDF that a former system made of the patient."""

    system: Slug = Field(description="Which system made it", examples=["braintumor"])
    reference: str = Field(
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="By which that system knew it",
        examples=["REP-2025-0003"],
    )
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="Of the file",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    size_bytes: int = Field(ge=1, le=MOST_FORMER_BYTES, description="Of the file", examples=[182_044])
    made_at: AwareDatetime | None = Field(
        default=None, description="When that system made it", examples=["2025-03-07T14:02:00Z"]
    )
    audience: Audience = Field(
        default=Audience.CLINIC, description="`patient`: for the patient to see and fetch, too"
    )
    counts: dict[CountName, Count] = Field(
        default_factory=dict,
        max_length=20,
        description="What that system counted for it, in its own words",
        examples=[{"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4}],
    )

    def former_file(self) -> FormerFile:
        return FormerFile(**dict(self))


class FormerResponse(BaseModel):
    """Where a report comes from that was not made here."""

    system: str = Field(examples=["braintumor"])
    reference: str = Field(description="By which that system knew it", examples=["REP-2025-0003"])
    counts: dict[str, int] = Field(
        description="What that system counted for it", examples=[{"scan_count": 7, "tumor_count": 3}]
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
    requested_by: str = Field(description="Opaque id of who asked for it, or brought it")
    created_at: datetime = Field(description="When it was asked for; of a former one when it was made")
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
    former: FormerResponse | None = Field(
        default=None, description="The former system that made it. It has no number, pages or images"
    )
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


class TakenOverResponse(BaseModel):
    """The report, or where to send its file first."""

    report: ReportResponse | None = None
    upload: UploadFormResponse | None = Field(
        default=None, description="Send the PDF there, then make the same request again"
    )

    @classmethod
    def of(cls, taken: TakenOver) -> Self:
        upload = None
        if taken.form is not None and taken.form_ends_at is not None:
            upload = UploadFormResponse(
                url=taken.form.url, fields=taken.form.fields, expires_at=taken.form_ends_at
            )
        return cls(report=ReportResponse.of(taken.report) if taken.report else None, upload=upload)


def _fields(report: Report) -> dict[str, object]:
    shown = report.model_dump(exclude={"edition", "former", "failure", "correlation_id", "version"})
    file = report.file.model_dump(include=_OF_A_FILE) if report.file else {}
    former = report.former.model_dump(include=set(FormerResponse.model_fields)) if report.former else None
    failure = report.failure.model_dump(exclude={"retryable"}) if report.failure else None
    return {**shown, **file, "former": former, "failure": failure}
