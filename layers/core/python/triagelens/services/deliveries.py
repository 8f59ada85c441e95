"""Telling somebody something once, however many copies of the news arrive."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol


class Claim(Enum):
    """What a message may do about a delivery.

    MINE: deliver it, then `finish` it.
    DONE: it was delivered.
    ELSEWHERE: another message that is still alive has it. Look again later: it may die yet.
    """

    MINE = "mine"
    DONE = "done"
    ELSEWHERE = "elsewhere"


class Deliveries(Protocol):
    """Who delivers what, and what was delivered: one claim for each key (an event and a receiver)."""

    def begin(self, key: str, holder: str, until: datetime) -> Claim:
        """Claims a delivery for the message `holder`, which lives no longer than `until`.

        A message that crashed while it delivered gets its own claim again, so a delivery is repeated
        rather than lost. A claim whose holder is dead is anybody's.
        """

    def finish(self, key: str) -> None:
        """Notes that it was delivered. Kept for longer than any copy of the news can lie in a queue."""


def lives_until(now: datetime, received: int, most: int, visibility: timedelta) -> datetime:
    """When a message that is being received for the `received`-th time of `most` is done or a dead letter.

    It comes again after `visibility` for as often as is left. What is sent back from the dead letters is
    a new message, so a claim must not outlive the one that made it.
    """
    return now + visibility * (max(0, most - received) + 1)
