"""Counting records from the table's stream, and telling what was counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from triagelens.domain.errors import ConflictError, InvalidRequestError
from triagelens.domain.statistics import Counted, Statistics, statistics

MOST_DAYS = 366


class Tally(Protocol):
    """Counters, and for each record a note of what of it they hold."""

    def counted(self, record: str) -> Counted | None:
        """How the record was counted last, read consistently; None if it never was."""

    def count(self, before: Counted | None, after: Counted) -> None:
        """Moves the record from the counters of `before` to those of `after`, and notes it: all or nothing.

        Raises:
            ConflictError: the record is no longer counted as `before`.
        """

    def totals(self) -> Mapping[str, int]:
        """Counters over all time, by facet; none of them is zero."""

    def days(self, first: date, last: date) -> Mapping[str, int]:
        """Counters of these days, by facet; none of them is zero."""


@dataclass(frozen=True)
class Counting:
    """Counts each record as its latest version is, whatever the order and number of its changes.

    What a record is counted as is noted beside the counters in the same transaction, so a change that
    comes twice, late, or after a later one finds that it has nothing to add.
    """

    tally: Tally

    def count(self, states: Sequence[Counted]) -> None:
        """Counts records as they are after changes.

        Raises:
            UnavailableError: the counters cannot be written now; counting the same again is safe.
        """
        for state in states:
            while not self._is_counted(state):
                pass

    def _is_counted(self, state: Counted) -> bool:
        before = self.tally.counted(state.record)
        if before is not None and before.version >= state.version:
            return True
        try:
            self.tally.count(before, state)
        except ConflictError:
            return False  # somebody else has counted the same record; each time it is a later version
        return True


@dataclass(frozen=True)
class Figures:
    """What was counted."""

    tally: Tally

    def between(self, first: date, last: date) -> Statistics:
        """All totals, and the days from `first` to `last`.

        Raises:
            InvalidRequestError: the days are in the wrong order, or too many.
        """
        if last < first:
            raise InvalidRequestError("The last day is before the first.")
        if (last - first).days >= MOST_DAYS:
            raise InvalidRequestError(f"Ask for {MOST_DAYS} days at most.")
        return statistics(self.tally.totals(), self.tally.days(first, last))
