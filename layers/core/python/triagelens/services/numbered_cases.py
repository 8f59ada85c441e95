"""Cases by their number, for apps that know neither a case's id nor its version.

Such an app says "case 10004" and means that case as it is now. What is only added to a case, photos and
notes, does not undo what others do, so it is tried again if somebody writes at the same moment. A decision
is not, unless it was the platform that wrote: whoever decides looks at the case again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from triagelens.domain.cases import MOVES, SYSTEM, Case, CaseStatus, Move
from triagelens.domain.errors import ConflictError, NotFoundError, OutdatedError
from triagelens.domain.people import Person
from triagelens.services.case_ports import CaseNumbers
from triagelens.services.cases import Cases, NewCase
from triagelens.services.changes import Asked

TRIES = 5
MISSING_TEXT = "There is no such case."


@dataclass(frozen=True)
class Decided:
    """What somebody makes of a case."""

    move: Move
    reason: str | None
    final_diagnosis: str | None = None

    def is_already(self, case: Case, person: Person) -> bool:
        """Whether `person` has decided just this before: a repeated request changes nothing."""
        before = case.decision
        if before is None or case.status is not MOVES[CaseStatus.OPEN, self.move]:
            return False
        same_words = (before.reason, case.final_diagnosis) == (self.reason, self.final_diagnosis)
        return before.by == person.sub and same_words


@dataclass(frozen=True)
class NumberedCases:
    """Cases as `Cases` shows and changes them, found by number.

    A number that was never given out, one without a case, and a case that the person may not see are
    missing in the same words.
    """

    cases: Cases
    numbers: CaseNumbers
    correlation_id: str

    def find(self, person: Person, number: int) -> Case | None:
        """The case of that number; None if there is none yet and `person` holds the number.

        Raises:
            NotFoundError: the person may not see the case, or does not hold the number.
        """
        known = self.numbers.taken(number)
        if known is None or (known.case_id is None and known.holder != person.sub):
            raise NotFoundError(MISSING_TEXT)
        return None if known.case_id is None else self.cases.visible_to(person, known.case_id)

    def case(self, person: Person, number: int) -> Case:
        """The case of that number.

        Raises:
            NotFoundError: there is none, or the person may not see it.
        """
        case = self.find(person, number)
        if case is None:
            raise NotFoundError(MISSING_TEXT)
        return case

    def add(
        self, person: Person, number: int, specialty: str, image_ids: Sequence[str], notes: str | None = None
    ) -> Case:
        """The case with these images too, and with these notes if any; opened with them if there is none.

        Said again, it changes nothing.

        Raises:
            NotFoundError: the number is not the person's, or an image or the case is none that they see.
            InvalidRequestError: the images do not fit together, or a new case would have none.
            TransitionError: the case is decided.
            ConflictError: an image is in another undecided case.
            OutdatedError: others never stop writing.
        """
        new = NewCase(specialty, tuple(image_ids), number, notes=notes)
        for _ in range(TRIES - 1):
            try:
                return self._add_once(person, number, new)
            except OutdatedError:
                continue
        return self._add_once(person, number, new)

    def decide(self, person: Person, number: int, decided: Decided) -> Case:
        """The case with another status, and who gave it, when and why. Said again, it changes nothing.

        Raises:
            NotFoundError: as `case`.
            TransitionError: the state machine has no such edge.
            OutdatedError: somebody has changed the case in this very moment.
        """
        case = self.case(person, number)
        if decided.is_already(case, person):
            return case
        try:
            return self._decide(person, case, decided)
        except OutdatedError:
            case = self.case(person, number)
            if case.updated_by != SYSTEM:
                raise
        return self._decide(person, case, decided)

    def _add_once(self, person: Person, number: int, new: NewCase) -> Case:
        case = self.find(person, number)
        if case is None:
            return self._open(person, number, new)
        changes: dict[str, Any] = {}
        if set(new.image_ids) - set(case.image_ids):
            changes["image_ids"] = tuple(dict.fromkeys((*case.image_ids, *new.image_ids)))
        if new.notes not in (None, case.notes):
            changes["notes"] = new.notes
        return self.cases.amend(self._asked(person, case), case, changes) if changes else case

    def _decide(self, person: Person, case: Case, decided: Decided) -> Case:
        asked = self._asked(person, case)
        return self.cases.decide(asked, case, decided.move, decided.reason, decided.final_diagnosis)

    def _open(self, person: Person, number: int, new: NewCase) -> Case:
        try:
            return self.cases.open(person, new, self.correlation_id)
        except ConflictError as error:
            if self.find(person, number) is not None:
                raise OutdatedError("Another photo has just opened this case.") from error
            raise

    def _asked(self, person: Person, case: Case) -> Asked:
        return Asked(person, frozenset({case.version or 0}), self.correlation_id)
