"""Reports: who asked for one, of what, for whom, and the file that came of it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from triagelens.domain.abstention import ModelDecision
from triagelens.domain.errors import ConflictError, TransitionError
from triagelens.domain.images import Failure, ImageRecord
from triagelens.domain.people import Action, Person

MOST_IMAGES = 200
FOLDER = "reports/"


class EditionTakenError(ConflictError):
    """Another edition of the same case or patient has just been made; what was gathered may be older."""

    code = "edition_taken"


class FormerKnownError(ConflictError):
    """That file of the former system is one of the patient's reports already."""

    code = "former_report_known"


class ReportKind(StrEnum):
    CASE = "case"
    PATIENT = "patient"


class Audience(StrEnum):
    """For whom a report is: what clinicians write to each other is for the clinic only."""

    CLINIC = "clinic"
    PATIENT = "patient"


class ReportStatus(StrEnum):
    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Edition(_Part):
    """One file. It never changes; the same content is the same edition, however often it is asked for.

    Attributes:
        number: counts the editions of the same case or patient; it is printed in the file.
        content_sha256: of what the file shows, without number and time.
        key: in the documents bucket; named after `sha256`, the digest of the file itself.
        findings: of the images that it shows, see `findings_of`; None of editions older than that.
        made_at: when gathering began; it is printed in the file, which shows nothing older than that.
    """

    number: int
    audience: Audience
    content_sha256: str
    key: str
    sha256: str
    size_bytes: int
    pages: int
    images: int
    findings: dict[str, dict[str, int]] | None = None
    made_at: datetime


class FormerReport(_Part):
    """A file that another system made of a patient, as it was brought here.

    It is no edition: the platform did not make it, gave it no number, and never gives it out as an answer
    to somebody who asks for a report.

    Attributes:
        system: that made it.
        reference: by which that system knew it.
        key: in the documents bucket; named after `sha256`, the digest of the file, like an edition.
        counts: what that system counted for it, by that system's own words.
    """

    system: str
    reference: str
    key: str
    sha256: str
    size_bytes: int
    counts: dict[str, int] = {}

    @property
    def mark(self) -> str:
        """The same for the same file under the same reference, whoever brings it and however often."""
        return sha256("\0".join((self.system, self.reference, self.sha256)).encode()).hexdigest()


class Report(_Part):
    """A request for a report and its answer, or what a former system made.

    Attributes:
        case_id: of a case's report.
        patient_id: whose details the report shows: of a patient's report always, of a case's report where
            whoever asked for it may see the patient. Who may not see the patient may not see the report.
        requested_by: `sub` of who asked for it, or brought it.
        edition: the file, once it is ready.
        former: in place of an edition, the file of a former system. Such a report begins as ready.
        created_at: when it was asked for; of a former one when it was made, as far as that is known.
        version: optimistic lock of the stored item.
    """

    report_id: str
    kind: ReportKind
    audience: Audience
    case_id: str | None = None
    patient_id: str | None = None
    requested_by: str
    status: ReportStatus = ReportStatus.QUEUED
    edition: Edition | None = None
    former: FormerReport | None = None
    failure: Failure | None = None
    created_at: datetime
    completed_at: datetime | None = None
    correlation_id: str
    version: int | None = None

    @property
    def subject_id(self) -> str:
        """The case or the patient that the report is of."""
        subject = self.case_id if self.kind is ReportKind.CASE else self.patient_id
        if subject is None:
            raise ValueError(f"a report of a {self.kind} names one")
        return subject

    @property
    def file(self) -> Edition | FormerReport | None:
        """What there is to download."""
        return self.edition or self.former

    @property
    def is_done(self) -> bool:
        """Whether a message about it has nothing left to do. What was given up can be taken up again."""
        if self.status is ReportStatus.FAILED:
            return self.failure is None or not self.failure.retryable
        return self.status is ReportStatus.READY

    def may_be_for(self, person: Person) -> bool:
        """Whether somebody of that role is among those it is for; whether it is theirs is another matter."""
        if self.audience is Audience.PATIENT:
            return True
        return person.may(Action.WORK_ON_CASES) and person.may(Action.WORK_ON_PATIENTS)

    def ready(self, edition: Edition, now: datetime) -> Self:
        return self._ended(ReportStatus.READY, now, edition=edition, failure=None)

    def failed(self, failure: Failure, now: datetime) -> Self:
        return self._ended(ReportStatus.FAILED, now, failure=failure)

    def _ended(self, status: ReportStatus, now: datetime, **changes: Any) -> Self:
        if self.is_done:
            raise TransitionError(f"A report that is {self.status} stays so.")
        return self.model_copy(update={"status": status, "completed_at": now, **changes})


def findings_of(images: Iterable[ImageRecord]) -> dict[str, dict[str, int]]:
    """How many images have which first label, by specialty; those of which the model says nothing are out."""
    counts: dict[str, dict[str, int]] = {}
    for prediction in (image.prediction for image in images):
        if prediction is not None and prediction.decision is not ModelDecision.ABSTAIN:
            labels = counts.setdefault(prediction.specialty, {})
            labels[prediction.top_label] = labels.get(prediction.top_label, 0) + 1
    return counts


def folder_of(subject_id: str) -> str:
    """Where all files of a case's or a patient's reports lie in the documents bucket."""
    return f"{FOLDER}{subject_id}/"


def file_key(subject_id: str, sha256: str) -> str:
    """S3 key of a report's file."""
    return f"{folder_of(subject_id)}{sha256}.pdf"


def file_name(report: Report) -> str:
    """The name under which a report is saved. It tells nothing of whom it is."""
    if report.former is not None:
        return f"report-{report.subject_id[-8:]}-former-{report.report_id[-8:]}.pdf"
    number = report.edition.number if report.edition else 0
    return f"report-{report.subject_id[-8:]}-{number}.pdf"


FailureCode = Literal["processing_error", "patient_changed"]


def failure(code: FailureCode, message: str, *, retryable: bool) -> Failure:
    """Why there is no report, in words for whoever asked for it."""
    return Failure(code=code, message=message, retryable=retryable)
