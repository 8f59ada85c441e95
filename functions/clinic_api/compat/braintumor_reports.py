"""Reports in the words of the brain tumour system."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from fastapi import Response, status
from pydantic import BaseModel, ConfigDict

from clinic_api.compat.braintumor_words import NO_TUMOUR, SPECIALTY, NamedPatient, tumours
from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.reports import Report, ReportStatus
from triagelens.services.images import SignedUrl
from triagelens.services.ports import Page

RETRY_AFTER_S = 60
LATER_TEXT = "The report is being made. Send the same again, or look at the patient's reports."
WORDS: dict[ReportStatus, Literal["completed", "processing", "failed"]] = {
    ReportStatus.QUEUED: "processing",
    ReportStatus.READY: "completed",
    ReportStatus.FAILED: "failed",
}


class NotReadyError(ConflictError):
    """The report has no file yet, or will have none."""

    code = "report_not_ready"


class ReportFailedError(UnavailableError):
    """The report could not be made; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, RETRY_AFTER_S)
        self.code = code


class ReportShape(BaseModel):
    """A report. The counts are null until it is made; what was inconclusive is in `scan_count` alone.

    A report that was made by the former system has the counts that it came with.

    Attributes:
        report_path: its last part is the file's name, which the routes of reports take.
    """

    report_id: str
    patient_id: str | None
    report_path: str | None
    scan_count: int | None
    tumor_count: int | None
    no_tumor_count: int | None
    status: Literal["completed", "processing", "failed"]
    created_at: datetime

    @classmethod
    def of(cls, report: Report) -> Self:
        counts = _counts_of(report)
        return cls(
            report_id=report.report_id,
            patient_id=report.patient_id,
            report_path=None if report.file is None else f"reports/{report.report_id}.pdf",
            scan_count=counts.get("scan_count"),
            tumor_count=counts.get("tumor_count"),
            no_tumor_count=counts.get("no_tumor_count"),
            status=WORDS[report.status],
            created_at=report.created_at,
        )


def _counts_of(report: Report) -> Mapping[str, int]:
    """By the former system's words, as far as they are known."""
    if report.former is not None:
        return report.former.counts
    if report.edition is None:
        return {}
    scans = {"scan_count": report.edition.images}
    if report.edition.findings is None:
        return scans
    found = report.edition.findings.get(SPECIALTY, {})
    return {**scans, "tumor_count": tumours(found), "no_tumor_count": found.get(NO_TUMOUR, 0)}


class ReportsPage(BaseModel):
    """Newest first. Ask again with `cursor` until it is null; a page may hold fewer than was asked for."""

    success: bool = True
    reports: list[ReportShape]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[Report]) -> Self:
        return cls(reports=[ReportShape.of(report) for report in page.items], cursor=page.cursor)


class ReportToMake(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    patient_id: NamedPatient


class ReportMade(BaseModel):
    """`report_id` is there at once, the rest as soon as the report is made."""

    success: bool = True
    message: str
    report_id: str
    report: ReportShape
    download_url: str | None

    @classmethod
    def of(cls, report: Report, signed: SignedUrl | None, response: Response) -> Self:
        """202 as long as it is being made.

        Raises:
            ReportFailedError: it could not be made.
        """
        if report.failure is not None:
            raise ReportFailedError(report.failure.code, report.failure.message)
        if signed is None:
            response.status_code = status.HTTP_202_ACCEPTED
        return cls(
            message="Report generated successfully" if signed else LATER_TEXT,
            report_id=report.report_id,
            report=ReportShape.of(report),
            download_url=signed.url if signed else None,
        )


class Download(BaseModel):
    success: bool = True
    download_url: str

    @classmethod
    def of(cls, signed: SignedUrl | None) -> Self:
        """Raises NotReadyError if there is nothing to download."""
        if signed is None:
            raise NotReadyError("The report has no file: it is not made yet, or could not be made.")
        return cls(download_url=signed.url)
