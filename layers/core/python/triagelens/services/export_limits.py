"""How long making an export may take."""

from collections.abc import Callable
from dataclasses import dataclass

from triagelens.domain.errors import TriagelensError

# Seconds since some moment.
Seconds = Callable[[], float]


class TooLongError(TriagelensError):
    """Making the export takes longer than it may."""

    code = "too_long"


@dataclass(frozen=True)
class Deadline:
    """A moment after which nothing more is read."""

    seconds: Seconds
    ends_at: float

    @classmethod
    def within(cls, budget_s: float, seconds: Seconds) -> "Deadline":
        return cls(seconds, seconds() + budget_s)

    def check(self) -> None:
        """Raises TooLongError once it has passed."""
        if self.seconds() > self.ends_at:
            raise TooLongError("The export took too long; ask for fewer days, or for one specialty.")
