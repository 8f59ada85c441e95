"""Panels of readers: how many read a case, who settles their disagreement, how well they agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from triagelens.domain.agreement import Agreement, cohen, fleiss
from triagelens.domain.cases import Case, HistoryEntry, check_label
from triagelens.domain.ids import new_id
from triagelens.domain.panels import Panel
from triagelens.domain.people import Person
from triagelens.domain.specialties import specialty
from triagelens.services.case_ports import CaseRecords
from triagelens.services.journal import Journal
from triagelens.services.panel_ports import GoldCase, PanelRecords
from triagelens.services.ports import Clock, Page

BATCH = 100


@dataclass(frozen=True)
class PairAgreement:
    """Cohen's kappa of two readers, on the cases that both and nobody else were asked to read."""

    readers: tuple[str, str]
    agreement: Agreement


@dataclass(frozen=True)
class PanelAgreement:
    """Fleiss' kappa of all panels of as many readers."""

    readers: int
    agreement: Agreement


@dataclass(frozen=True)
class SpecialtyAgreement:
    """How well the blind readers of a specialty agree."""

    pairs: Sequence[PairAgreement]
    panels: Sequence[PanelAgreement]


@dataclass(frozen=True)
class ReaderAccuracy:
    """How often a reader was right on gold cases: overall, and label -> (right, read)."""

    reader: str
    read: int
    right: int
    by_label: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Panels:
    """Panels of cases that the caller was allowed to see."""

    cases: CaseRecords
    records: PanelRecords
    clock: Clock
    journal: Journal

    def of(self, case: Case) -> Panel:
        """The case's panel."""
        return self.records.panel(case)

    def want_readers(self, person: Person, case: Case, readers: int) -> Panel:
        """Asks for another number of blind readers.

        Raises:
            TransitionError: somebody has labelled the case already, or it was rejected.
            ConflictError: somebody just does.
        """
        before = self.records.panel(case)
        after = before.wanting(readers)
        entry = self._entry(
            person,
            case,
            "panel.readers",
            {"readers_wanted": before.readers_wanted},
            {"readers_wanted": readers},
        )
        return self.records.write_panel(after, entry)

    def adjudicate(self, person: Person, case: Case, label: str, reason: str) -> Panel:
        """Settles what the case's readers disagree about.

        Raises:
            InvalidRequestError: the specialty knows no such label.
            ForbiddenError: the person is one of the readers.
            TransitionError: there is no disagreement, or the case was rejected.
            ConflictError: somebody has just settled it otherwise.
        """
        after = self.records.panel(case).adjudicated(person.sub, label, reason, self.clock())
        entry = self._entry(person, case, "panel.adjudicate", {}, {"training_label": label}, reason)
        self.journal.write(person.sub, "case.adjudicate", case.case_id)
        return self.records.write_panel(after, entry)

    def disputed(self, of_specialty: str, limit: int, cursor: str | None) -> Page[tuple[Case, Panel]]:
        """Cases whose readers disagree and that nobody has settled, oldest first.

        Raises:
            UnknownSpecialtyError, InvalidRequestError: nothing like that can be listed.
        """
        page = self.records.disputed(specialty(of_specialty).name, limit, cursor)
        return Page([(self.cases.case(panel.case_id), panel) for panel in page.items], page.cursor)

    def agreement(self, of_specialty: str) -> SpecialtyAgreement:
        """How well the specialty's blind readers agree, from what was counted when each panel was complete.

        Raises:
            UnknownSpecialtyError: there is no such specialty.
        """
        name = specialty(of_specialty).name
        pairs = [(counts.readers, cohen(counts.confusion)) for counts in self.records.pair_counts(name)]
        panels = [(readers, fleiss(found)) for readers, found in self.records.patterns(name).items()]
        return SpecialtyAgreement(
            pairs=[PairAgreement(readers, found) for readers, found in pairs if found is not None],
            panels=[PanelAgreement(readers, found) for readers, found in panels if found is not None],
        )

    def set_gold(self, person: Person, case: Case, label: str) -> GoldCase:
        """Makes the case one that measures readers. Nothing that a reader sees tells of it.

        Raises:
            InvalidRequestError: the specialty knows no such label.
        """
        check_label(case.specialty, label)
        gold = GoldCase(case.case_id, case.specialty, label, person.sub, self.clock())
        self.journal.write(person.sub, "gold.set", case.case_id)
        self.records.set_gold(gold)
        return gold

    def remove_gold(self, person: Person, case: Case) -> None:
        """Makes it a case like others.

        Raises:
            NotFoundError: it is one already.
        """
        self.records.remove_gold(case.case_id)
        self.journal.write(person.sub, "gold.remove", case.case_id)

    def accuracy(self, of_specialty: str) -> list[ReaderAccuracy]:
        """How often each reader was right on the specialty's gold cases, by reader.

        Raises:
            UnknownSpecialtyError: there is no such specialty.
        """
        found: dict[str, dict[str, tuple[int, int]]] = {}
        gold = list(self.records.gold_cases(specialty(of_specialty).name))
        for start in range(0, len(gold), BATCH):
            batch = gold[start : start + BATCH]
            panels = self.records.panels([entry.case_id for entry in batch])
            for entry in batch:
                panel = panels.get(entry.case_id)
                for reader, label in panel.labels.items() if panel is not None else ():
                    by_label = found.setdefault(reader, {})
                    right, read = by_label.get(entry.label, (0, 0))
                    by_label[entry.label] = (right + (label == entry.label), read + 1)
        return [_accuracy(reader, found[reader]) for reader in sorted(found)]

    def _entry(
        self,
        person: Person,
        case: Case,
        action: str,
        before: dict[str, object],
        after: dict[str, object],
        reason: str | None = None,
    ) -> HistoryEntry:
        return HistoryEntry(
            entry_id=new_id(),
            case_id=case.case_id,
            at=self.clock(),
            by=person.sub,
            action=action,
            before=before,
            after=after,
            reason=reason,
        )


def _accuracy(reader: str, by_label: dict[str, tuple[int, int]]) -> ReaderAccuracy:
    right, read = (sum(counts) for counts in zip(*by_label.values(), strict=True))
    return ReaderAccuracy(reader, read, right, by_label)
