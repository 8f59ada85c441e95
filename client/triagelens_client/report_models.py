"""Answers of the API about reports."""

from datetime import datetime

from triagelens_client.models import Answer, Content, UploadForm


class ReportFailure(Answer):
    """Why there is no report."""

    code: str
    message: str


class FormerSource(Answer):
    """The former system that a report comes from.

    Attributes:
        reference: by which that system knew it.
        counts: what that system counted for it.
    """

    system: str
    reference: str
    counts: dict[str, int]


class Report(Answer):
    """A report of a case or a patient. Once it is ready it never changes.

    Attributes:
        audience: `clinic`, with what clinicians wrote, or `patient`.
        status: `queued`, `ready` or `failed`.
        patient_id: whose details it shows.
        number: counts the versions of this case's or patient's reports; the same number is the same file.
        sha256: of the file.
        former: where it comes from, if it was not made here; it has no number, pages or images then.
        download: in the answer of `Reports.get` alone.
    """

    report_id: str
    kind: str
    audience: str
    status: str
    case_id: str | None = None
    patient_id: str | None = None
    requested_by: str
    created_at: datetime
    completed_at: datetime | None = None
    number: int | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    pages: int | None = None
    images: int | None = None
    former: FormerSource | None = None
    failure: ReportFailure | None = None
    download: Content | None = None

    @property
    def is_final(self) -> bool:
        return self.status != "queued"


class TakenOver(Answer):
    """A former system's report, or where to send its file first."""

    report: Report | None = None
    upload: UploadForm | None = None
