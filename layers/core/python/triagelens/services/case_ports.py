"""What casework needs from the outside: case numbers, and cases with all that hangs on them."""

from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.cases import Case, CaseStatus, Comment, HistoryEntry, ReaderLabel
from triagelens.domain.panels import Panel
from triagelens.services.ports import Page


@dataclass(frozen=True)
class TakenNumber:
    """A number that is given out: who holds it, and which case has it, if any does."""

    holder: str
    case_id: str | None


class CaseNumbers(Protocol):
    """Numbers for people to say aloud. None is ever given out twice at the same time."""

    def take(self, holder: str) -> int:
        """A number for `holder`: the lowest released one if there is any, else the next new one."""

    def release(self, number: int, holder: str) -> None:
        """Gives a number back, to be taken again.

        Raises:
            NotFoundError: `holder` does not hold it.
            ConflictError: a case has it.
        """

    def taken(self, number: int) -> TakenNumber | None:
        """What became of a number, read consistently; None as long as nobody has it."""


@dataclass(frozen=True)
class WantedCases:
    """Which cases a list shows.

    Attributes:
        person: only cases that this person made, or that are of their images; None means everybody's.
    """

    person: str | None
    specialties: frozenset[str]
    statuses: frozenset[CaseStatus]


class CaseRecords(Protocol):
    """Cases, and what hangs on them. Every change comes with its entry in the history, or not at all."""

    def case(self, case_id: str) -> Case:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def cases(self, wanted: WantedCases, limit: int, cursor: str | None) -> Page[Case]:
        """Newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def add_case(self, case: Case, entry: HistoryEntry, panel: Panel | None = None) -> Case:
        """Writes a new case, with its panel if one is given; marks its number used and its images taken.

        Raises:
            ConflictError: the number is not one that the case's owner holds, or an image is in another
                undecided case.
        """

    def replace_case(self, before: Case, after: Case, entry: HistoryEntry) -> Case:
        """Writes `after` over `before`, and takes and frees images accordingly.

        Raises:
            OutdatedError: the stored case is no longer `before`.
            ConflictError: an image is in another undecided case.
        """

    def history(self, case_id: str, limit: int, cursor: str | None) -> Page[HistoryEntry]:
        """Changes of the case, its comments and its labels, newest first."""

    def comment(self, case_id: str, comment_id: str) -> Comment:
        """Raises NotFoundError if there is none."""

    def comments(self, case_id: str, limit: int, cursor: str | None) -> Page[Comment]:
        """Newest first."""

    def write_comment(self, comment: Comment, entry: HistoryEntry) -> Comment:
        """Writes a new comment, or over the version it was read at.

        Raises:
            ConflictError: the stored comment has changed since.
        """

    def label(self, case_id: str, reader: str) -> ReaderLabel | None:
        """What that reader said, if anything."""

    def labels(self, case_id: str, limit: int, cursor: str | None) -> Page[ReaderLabel]:
        """One for each reader, in no particular order."""

    def write_label(
        self, label: ReaderLabel, before: Panel, after: Panel, entry: HistoryEntry
    ) -> ReaderLabel:
        """Writes a reader's label, and the case's panel as it is after it.

        Once all of a panel's blind readers are in, their labels are counted for the readers' agreement,
        and the case leaves the review queue.

        Raises:
            ConflictError: the stored label or panel has changed since it was read.
            TransitionError: the case takes no labels any more.
        """
