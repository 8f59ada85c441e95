"""A report is made: gathered, set, stored, and only then said to be ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from triagelens.domain.errors import UnavailableError
from triagelens.domain.report_document import ReportDocument
from triagelens.domain.reports import Audience, Edition, EditionTakenError, Report, failure, file_key
from triagelens.services.ports import Clock
from triagelens.services.report_gathering import Gathered, Gathering, PatientChangedError
from triagelens.services.report_ports import ReportFiles, ReportRecords, Typesetter

# All is gathered anew if another edition has just come in between; more than this many at once do not come.
TRIES = 10


class Making:
    """Makes reports. Done again, too late, or killed anywhere, it ends the same.

    The newest edition is looked up before anything is gathered, and the next number counts only if that one
    still is the newest: what an edition shows was read after all editions before it were made.
    """

    def __init__(
        self,
        records: ReportRecords,
        files: ReportFiles,
        gathering: Gathering,
        typeset: Typesetter,
        clock: Clock,
    ) -> None:
        self._records = records
        self._files = files
        self._gathering = gathering
        self._typeset = typeset
        self._clock = clock

    def make(self, report_id: str) -> Report:
        """The report as it ends.

        Raises:
            NotFoundError: it was erased, or what it is of was; nothing of it stays.
        """
        report = self._records.report(report_id)
        if report.is_done:
            return report
        for _ in range(TRIES):
            editions = self._records.latest_editions(report)
            newest = max((edition.number for edition in editions), default=0)
            as_of = self._clock()
            try:
                gathered = self._gathering.gather(report)
                known = _same(editions, report.audience, gathered.content.sha256)
                edition = known or self._set(report, gathered, newest + 1, as_of)
                done = report.ready(edition, self._clock())
                # Last of all. The file of what was erased meanwhile goes in the erasure's second pass.
                return self._records.finish_report(done, gathered.watched_images, newest=newest)
            except PatientChangedError as error:
                cause = failure("patient_changed", str(error), retryable=False)
                return self._records.replace_report(report.failed(cause, self._clock()))
            except EditionTakenError:
                continue
        raise UnavailableError("Too many reports of this at once.", retry_after_s=60)

    def _set(self, report: Report, gathered: Gathered, number: int, as_of: datetime) -> Edition:
        """The file, set and stored. Its key is its digest, so that nothing is ever written over."""
        content = gathered.content
        data, pages = self._typeset(ReportDocument.of(content, number, as_of))
        digest = sha256(data).hexdigest()
        key = file_key(report.subject_id, digest)
        self._files.write(key, data)
        return Edition(
            number=number,
            audience=report.audience,
            content_sha256=content.sha256,
            key=key,
            sha256=digest,
            size_bytes=len(data),
            pages=pages,
            images=len(content.images),
            findings=gathered.findings,
            made_at=as_of,
        )


@dataclass(frozen=True)
class GivingUpReports:
    """Marks reports whose message has failed too often. Done again, or too late, it changes nothing."""

    records: ReportRecords
    clock: Clock

    def give_up(self, report_id: str) -> None:
        """Tells whoever waits that there will be no report. A redrive takes it up again.

        Raises:
            NotFoundError: there is no such report.
            ConflictError: it is just being finished.
        """
        report = self.records.report(report_id)
        if report.is_done or report.failure is not None:
            return
        cause = failure("processing_error", "The report could not be made.", retryable=True)
        self.records.replace_report(report.failed(cause, self.clock()))


def _same(editions: Sequence[Edition], audience: Audience, content_sha256: str) -> Edition | None:
    """The latest edition for that audience, if it shows the same."""
    latest = next((edition for edition in editions if edition.audience is audience), None)
    return latest if latest is not None and latest.content_sha256 == content_sha256 else None
