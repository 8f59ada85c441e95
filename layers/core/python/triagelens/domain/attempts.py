"""How often something may be tried, and how long to wait after too many tries."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Allowance:
    """So many free tries within a window, and then each twice as long after the one before.

    Attributes:
        window: counted from the first try; after it, everything is forgotten.
    """

    free: int
    longest: timedelta
    window: timedelta = timedelta(hours=1)
    first: timedelta = timedelta(seconds=1)

    def pause(self, tries: int) -> timedelta:
        """How long to wait after `tries` tries until the next."""
        beyond = tries - self.free
        if beyond < 0:
            return timedelta()
        doublings = min(beyond, 32)  # past any `longest`, and no overflow
        return min(self.first * (1 << doublings), self.longest)
