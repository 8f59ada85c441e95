"""Reports in memory, with the same promises as the table, and the files behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from tests.fakes import page_of, stored_in
from triagelens.domain.errors import ConflictError
from triagelens.domain.reports import (
    Audience,
    Edition,
    EditionTakenError,
    FormerKnownError,
    Report,
    file_key,
)
from triagelens.services.ports import Clock, Page, UploadForm
from triagelens.services.report_ports import ArrivedFile


@dataclass
class FakeReports:
    records: dict[str, Report] = field(default_factory=dict)
    editions: dict[tuple[str, int], Edition] = field(default_factory=dict)

    def report(self, report_id: str) -> Report:
        return stored_in(self.records, report_id)

    def add_report(self, report: Report) -> Report:
        return self.replace_report(report)

    def replace_report(self, report: Report) -> Report:
        stored = self.records.get(report.report_id)
        if (stored.version if stored else None) != report.version:
            raise ConflictError("The report has changed since it was read.")
        written = report.model_copy(update={"version": (report.version or 0) + 1})
        self.records[report.report_id] = written
        return written

    def finish_report(self, report: Report, image_ids: Sequence[str], *, newest: int) -> Report:
        assert report.edition is not None
        if newest != max((edition.number for edition in self.latest_editions(report)), default=0):
            raise EditionTakenError("Another report of this has just been made; try again.")
        written = self.replace_report(report)
        self.editions[report.subject_id, report.edition.number] = report.edition
        return written

    def add_former(self, report: Report) -> Report:
        assert report.former is not None
        if self.former(report.subject_id, report.former.mark) is not None:
            raise FormerKnownError("This report of the former system is there already.")
        return self.replace_report(report)

    def former(self, patient_id: str, mark: str) -> Report | None:
        own = (one for one in self.records.values() if one.patient_id == patient_id)
        return next((one for one in own if one.former and one.former.mark == mark), None)

    def latest_editions(self, report: Report) -> Sequence[Edition]:
        own = [edition for (of, _), edition in self.editions.items() if of == report.subject_id]
        return sorted(own, key=lambda edition: -edition.number)

    def requested_by(self, person: str, limit: int, cursor: str | None) -> Page[Report]:
        return self._page(lambda report: report.requested_by == person, limit, cursor)

    def of_case(self, case_id: str, limit: int, cursor: str | None) -> Page[Report]:
        return self._page(lambda report: report.case_id == case_id, limit, cursor)

    def of_patient(self, patient_id: str, limit: int, cursor: str | None) -> Page[Report]:
        return self._page(lambda report: report.patient_id == patient_id, limit, cursor)

    def make(self, report_id: str, pdf: bytes, clock: Clock) -> Report:
        """What `render_report` does, in short."""
        report, digest = self.report(report_id), sha256(pdf).hexdigest()
        edition = Edition(
            number=1,
            audience=Audience.CLINIC,
            content_sha256="c" * 64,
            key=file_key(report.subject_id, digest),
            sha256=digest,
            size_bytes=len(pdf),
            pages=1,
            images=1,
            made_at=clock(),
        )
        return self.finish_report(report.ready(edition, clock()), (), newest=0)

    def _page(self, wanted: Callable[[Report], bool], limit: int, cursor: str | None) -> Page[Report]:
        found = [report for report in self.records.values() if wanted(report)]
        return page_of(sorted(found, key=lambda r: r.report_id, reverse=True), limit, cursor, "report_id")


@dataclass
class FakeReportFiles:
    """`services.report_ports.ReportFiles`, as far as the API uses it. What was sent is put into `objects`."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def write(self, key: str, data: bytes) -> None:
        raise AssertionError("the API writes no report")

    def url(self, key: str, name: str, lifetime: timedelta) -> str:
        return f"https://documents.example/{key}?name={name}"

    def form(self, key: str, size_bytes: int, sha256: str, lifetime: timedelta) -> UploadForm:
        fields = {"key": key, "size": str(size_bytes), "sha256": sha256}
        return UploadForm(url="https://documents.example/", fields=fields)

    def arrived(self, key: str) -> ArrivedFile | None:
        data = self.objects.get(key)
        return None if data is None else ArrivedFile(len(data), sha256(data).hexdigest(), data[:16])
