"""Case numbers and cases in memory, with the same promises as the table: all of a change or nothing."""

import threading
from dataclasses import dataclass, field

from tests.fakes import page_of, stored_in
from triagelens.domain.cases import LABELLED, Case, Comment, HistoryEntry, ReaderLabel
from triagelens.domain.errors import ConflictError, NotFoundError, OutdatedError, TransitionError
from triagelens.domain.panels import Panel
from triagelens.services.case_ports import TakenNumber, WantedCases
from triagelens.services.ports import Page

FIRST_NUMBER = 10_000


@dataclass
class FakeCaseNumbers:
    """`held` says whose a number is; `used`, too, by which case if one has it."""

    next: int = FIRST_NUMBER
    free: set[int] = field(default_factory=set)
    held: dict[int, str] = field(default_factory=dict)
    used: dict[int, str] = field(default_factory=dict)

    def take(self, holder: str) -> int:
        number = min(self.free, default=self.next)
        self.free.discard(number)
        self.next = max(self.next, number + 1)
        self.held[number] = holder
        return number

    def release(self, number: int, holder: str) -> None:
        if self.held.get(number) != holder:
            raise NotFoundError("You do not hold this number.")
        if number in self.used:
            raise ConflictError("This number belongs to a case.")
        del self.held[number]
        self.free.add(number)

    def taken(self, number: int) -> TakenNumber | None:
        holder = self.held.get(number)
        return None if holder is None else TakenNumber(holder, self.used.get(number))


@dataclass
class FakeCases:
    numbers: FakeCaseNumbers = field(default_factory=FakeCaseNumbers)
    records: dict[str, Case] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    entries: list[HistoryEntry] = field(default_factory=list)
    said: dict[str, Comment] = field(default_factory=dict)
    thought: dict[tuple[str, str], ReaderLabel] = field(default_factory=dict)
    panels: dict[str, Panel] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def case(self, case_id: str) -> Case:
        return stored_in(self.records, case_id)

    def cases(self, wanted: WantedCases, limit: int, cursor: str | None) -> Page[Case]:
        found = [
            case
            for case in self.records.values()
            if case.specialty in wanted.specialties
            and case.status in wanted.statuses
            and wanted.person in (None, case.owner, case.image_owner)
        ]
        return page_of(sorted(found, key=lambda c: c.case_id, reverse=True), limit, cursor, "case_id")

    def add_case(self, case: Case, entry: HistoryEntry, panel: Panel | None = None) -> Case:
        with self.lock:
            number = case.number
            if self.numbers.held.get(number) != case.owner or number in self.numbers.used:
                raise ConflictError("This case number is not one that you hold.")
            self._claim(case, case.image_ids)
            self.numbers.used[number] = case.case_id
            if panel is not None:
                self.panels[case.case_id] = panel.model_copy(update={"version": 1})
            return self._write(case, entry)

    def replace_case(self, before: Case, after: Case, entry: HistoryEntry) -> Case:
        with self.lock:
            if self.records[before.case_id].version != before.version:
                raise OutdatedError("The case has changed since it was read.")
            if after.is_undecided:
                self._claim(after, [image for image in after.image_ids if image not in before.image_ids])
            kept = after.image_ids if after.is_undecided else ()
            for image_id in set(before.image_ids if before.is_undecided else ()) - set(kept):
                del self.claims[image_id]
            return self._write(after, entry)

    def history(self, case_id: str, limit: int, cursor: str | None) -> Page[HistoryEntry]:
        found = [entry for entry in reversed(self.entries) if entry.case_id == case_id]
        return page_of(found, limit, cursor, "entry_id")

    def comment(self, case_id: str, comment_id: str) -> Comment:
        comment = stored_in(self.said, comment_id)
        if comment.case_id != case_id:
            raise NotFoundError("There is no such comment.")
        return comment

    def comments(self, case_id: str, limit: int, cursor: str | None) -> Page[Comment]:
        found = [comment for comment in self.said.values() if comment.case_id == case_id]
        return page_of(found[::-1], limit, cursor, "comment_id")

    def write_comment(self, comment: Comment, entry: HistoryEntry) -> Comment:
        with self.lock:
            stored = self.said.get(comment.comment_id)
            if (stored.version if stored else None) != comment.version:
                raise ConflictError("The comment has just been edited otherwise; try again.")
            self.entries.append(entry)
            written = comment.model_copy(update={"version": (comment.version or 0) + 1})
            self.said[comment.comment_id] = written
            return written

    def label(self, case_id: str, reader: str) -> ReaderLabel | None:
        return self.thought.get((case_id, reader))

    def labels(self, case_id: str, limit: int, cursor: str | None) -> Page[ReaderLabel]:
        found = [label for (of_case, _), label in self.thought.items() if of_case == case_id]
        return page_of(found, limit, cursor, "reader")

    def write_label(
        self, label: ReaderLabel, before: Panel, after: Panel, entry: HistoryEntry
    ) -> ReaderLabel:
        with self.lock:
            if self.records[label.case_id].status not in LABELLED:
                raise TransitionError("The case takes no labels any more.")
            stored = self.label(label.case_id, label.reader)
            if (stored.version if stored else None) != label.version:
                raise ConflictError("This case has just been labelled otherwise; try again.")
            self._write_panel(after)
            self.entries.append(entry)
            written = label.model_copy(update={"version": (label.version or 0) + 1})
            self.thought[label.case_id, label.reader] = written
            return written

    def undecided_case_of(self, image_id: str) -> str | None:
        return self.claims.get(image_id)

    # `services.panel_ports.PanelRecords`, as far as comments and labels need it.

    def panel(self, case: Case) -> Panel:
        return self.panels.get(case.case_id, Panel(case_id=case.case_id, specialty=case.specialty))

    def _write_panel(self, panel: Panel) -> None:
        stored = self.panels.get(panel.case_id)
        if (stored.version if stored else None) != panel.version:
            raise ConflictError("This case has just been labelled otherwise; try again.")
        self.panels[panel.case_id] = panel.model_copy(update={"version": (panel.version or 0) + 1})

    def _claim(self, case: Case, image_ids: list[str] | tuple[str, ...]) -> None:
        for image_id in image_ids:
            if image_id in self.claims:
                raise ConflictError(f"Image {image_id} is in another case that is not decided yet.")
        self.claims |= dict.fromkeys(image_ids, case.case_id)

    def _write(self, case: Case, entry: HistoryEntry) -> Case:
        self.entries.append(entry)
        written = case.model_copy(update={"version": (case.version or 0) + 1})
        self.records[case.case_id] = written
        return written
