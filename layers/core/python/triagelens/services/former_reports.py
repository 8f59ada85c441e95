"""Reports of a former system, taken over as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from triagelens.domain.errors import InvalidRequestError, NotFoundError
from triagelens.domain.ids import new_id_of
from triagelens.domain.patients import Patient
from triagelens.domain.people import Person
from triagelens.domain.reports import (
    Audience,
    FormerKnownError,
    FormerReport,
    Report,
    ReportKind,
    ReportStatus,
    file_key,
)
from triagelens.services.ports import Clock, UploadForm
from triagelens.services.report_ports import ReportFiles, ReportRecords

# Former systems told times without their zone, and none is further ahead than this.
ZONES_DIFFER = timedelta(days=1)
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
PDF = b"%PDF-"


class NotPdfError(InvalidRequestError):
    """What was sent as a report is no PDF."""

    code = "not_a_pdf"


@dataclass(frozen=True)
class FormerFile:
    """A former system's report, as whoever brings it declares it.

    Attributes:
        made_at: when the former system made it; None if nobody knows.
        counts: what the former system counted for it.
    """

    system: str
    reference: str
    sha256: str
    size_bytes: int
    audience: Audience
    made_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TakenOver:
    """How far it is: `form` to send the file with, or the report. `made`: just now."""

    report: Report | None = None
    form: UploadForm | None = None
    form_ends_at: datetime | None = None
    made: bool = False


@dataclass(frozen=True)
class FormerReports:
    """Takes over a former system's reports of patients.

    There is no record before there is a file: the same request is made once to get a form, and once more
    after the file was sent. Made again at any time, or by two at once, it comes to one report.
    """

    records: ReportRecords
    files: ReportFiles
    clock: Clock
    form_lifetime: timedelta
    correlation_id: str

    def take_over(self, admin: Person, patient: Patient, old: FormerFile) -> TakenOver:
        """The report if its file is there, else a form to send it with.

        Raises:
            InvalidRequestError: it was made in the future, or before there were computers for it.
            NotPdfError: the file is there, and is none.
            NotFoundError: the patient has just been erased.
        """
        now = self.clock()
        if old.made_at is not None and not FIRST_MOMENT <= old.made_at <= now + ZONES_DIFFER:
            raise InvalidRequestError("made_at is not a moment at which a report can have been made.")
        former = FormerReport(
            system=old.system,
            reference=old.reference,
            key=file_key(patient.patient_id, old.sha256),
            sha256=old.sha256,
            size_bytes=old.size_bytes,
            counts=dict(old.counts),
        )
        known = self.records.former(patient.patient_id, former.mark)
        if known is not None:
            return TakenOver(known)
        if not self._is_there(former):
            form = self.files.form(former.key, former.size_bytes, former.sha256, self.form_lifetime)
            return TakenOver(form=form, form_ends_at=now + self.form_lifetime)
        made_at = old.made_at or now
        report = Report(
            report_id=new_id_of(made_at),
            kind=ReportKind.PATIENT,
            audience=old.audience,
            patient_id=patient.patient_id,
            requested_by=admin.sub,
            status=ReportStatus.READY,
            former=former,
            created_at=made_at,
            completed_at=now,
            correlation_id=self.correlation_id,
        )
        try:
            return TakenOver(self.records.add_former(report), made=True)
        except FormerKnownError:
            known = self.records.former(patient.patient_id, former.mark)
            if known is None:  # it was there, and has been erased since
                raise NotFoundError("There is no such patient.") from None
            return TakenOver(known)

    def _is_there(self, former: FormerReport) -> bool:
        """Whether exactly these bytes have arrived; S3 lets no others in.

        Raises:
            NotPdfError: they have, and are no PDF.
        """
        came = self.files.arrived(former.key)
        if came is None or (came.size_bytes, came.sha256) != (former.size_bytes, former.sha256):
            return False
        if not came.head.startswith(PDF):
            raise NotPdfError("The file does not begin as a PDF does.")
        return True
