"""Reading everything that an export tells of, while others go on working on it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.export_rows import People, Row, case_row, image_row
from triagelens.domain.exports import Export, ExportWhat, months_between
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.panels import Panel
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.export_limits import Deadline
from triagelens.services.export_ports import ExportSource
from triagelens.services.panel_ports import PanelRecords

T = TypeVar("T")

# Along the edges of the status machines: what changes its status after its list was read is met again in a
# later one, and told once. A failed image may be accepted again, and fail again.
IMAGE_ORDER = (
    ImageStatus.AWAITING_UPLOAD,
    ImageStatus.FAILED,
    ImageStatus.ACCEPTED,
    ImageStatus.FAILED,
    ImageStatus.REJECTED,
    ImageStatus.ANALYZED,
)
CASE_ORDER = (CaseStatus.OPEN, CaseStatus.UNCERTAIN, CaseStatus.CONFIRMED, CaseStatus.REJECTED)
TOGETHER = 100  # records whose names and panels are read in one go


@dataclass(frozen=True)
class ExportReading:
    """Images and cases of the wanted days and specialty, month by month, each once."""

    source: ExportSource
    panels: PanelRecords

    def rows(self, export: Export, deadline: Deadline) -> Iterator[Row]:
        """All rows. Ids of one month and a hundred records are held at a time.

        Raises:
            TooLongError: the deadline has passed.
        """
        if export.wanted.what is ExportWhat.IMAGES:
            for images in together(self.images(export, deadline)):
                people = self._people(export, images)
                yield from (image_row(image, people) for image in images)
            return
        for told in self.cases(export, deadline):
            people = self._people(export, [case for case, _ in told])
            yield from (case_row(case, panel, people) for case, panel in told)

    def images(self, export: Export, deadline: Deadline) -> Iterator[ImageRecord]:
        """Every wanted image."""
        wanted = export.wanted.specialty
        for month in months_between(export.first, export.last):
            seen: set[str] = set()
            for status in IMAGE_ORDER:
                deadline.check()
                for image in self.source.images(status, month):
                    deadline.check()
                    if image.image_id in seen:
                        continue
                    seen.add(image.image_id)
                    in_time = export.first <= image.created_at.date() <= export.last
                    if in_time and wanted in (None, image.specialty):
                        yield image

    def cases(self, export: Export, deadline: Deadline) -> Iterator[list[tuple[Case, Panel]]]:
        """Every wanted case with its panel, a hundred at a time."""
        for cases in together(self._cases(export, deadline)):
            panels = self.panels.panels([case.case_id for case in cases])
            yield [
                (case, panels.get(case.case_id, Panel(case_id=case.case_id, specialty=case.specialty)))
                for case in cases
            ]

    def _cases(self, export: Export, deadline: Deadline) -> Iterator[Case]:
        wanted = export.wanted.specialty
        for month in months_between(export.first, export.last):
            for name in sorted(SPECIALTIES) if wanted is None else [wanted]:
                seen: set[str] = set()
                for status in CASE_ORDER:
                    deadline.check()
                    for case in self.source.cases(name, status, month):
                        deadline.check()
                        if case.case_id in seen:
                            continue
                        seen.add(case.case_id)
                        if export.first <= case.created_at.date() <= export.last:
                            yield case

    def _people(self, export: Export, records: "list[ImageRecord] | list[Case]") -> People | None:
        if not export.wanted.include_people:
            return None
        patients = {record.patient_id for record in records if record.patient_id is not None}
        return People(self.source.names(sorted(patients)))


def together(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists of a hundred."""
    left = iter(items)
    while some := list(islice(left, TOGETHER)):
        yield some
