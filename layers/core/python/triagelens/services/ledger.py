"""Sets for images, from the ledger: two ingestions at once agree, and a broken-off one can be repeated."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.ledger import Book, LedgerEntry, Place, Sighting
from triagelens.services.snapshot_ports import Ledgers

TRIES = 50
LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True)
class Assignment:
    """Where the ledger puts images (by sha256), as of a revision of it."""

    places: dict[str, Place]
    revision: int


@dataclass(frozen=True)
class SplitLedger:
    """Assigns sets.

    What is written rests on all that was read: if anybody else writes in between, everything is
    worked out anew. So the ledger has one history, and each snapshot is of one moment of it.

    Attributes:
        pause: waits for so many seconds, so that two who write at once come apart.
    """

    ledgers: Ledgers
    pause: Callable[[float], None]

    def assign(self, specialty: str, sightings: Sequence[Sighting]) -> Assignment:
        """Enter the images that are new, and tell where each of them is.

        Raises:
            UnavailableError: others never stop writing.
        """
        key = self.ledgers.key()
        for _ in range(TRIES):
            state = self.ledgers.read(specialty)
            book = Book(state.entries)
            places = book.settle(sightings, key)
            try:
                return Assignment(places, self._write(specialty, state.revision, book.changes))
            except ConflictError:
                self.pause(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311  # no secret
        raise UnavailableError("Too many datasets of this specialty are ingested at once.", retry_after_s=60)

    def _write(self, specialty: str, revision: int, changes: Sequence[LedgerEntry]) -> int:
        most = self.ledgers.most_entries
        for start in range(0, len(changes), most):
            revision = self.ledgers.write(specialty, revision, changes[start : start + most])
        return revision
