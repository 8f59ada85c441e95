"""Waiting for a thing to be finished, in as few requests as the API allows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from triagelens_client.errors import DeadlinePassedError, retry_after_s
from triagelens_client.retry import Retry

LONGEST_POLL_S = 20
"""API Gateway cuts an answer off after 29 s; this leaves room for a cold start."""

_USUAL_PAUSE_S = 1.0

State = TypeVar("State")


@dataclass(frozen=True)
class Poll:
    """Asks again and again until something is final or the time is over.

    Attributes:
        clock: monotonic seconds.
    """

    retry: Retry
    clock: Callable[[], float] = time.monotonic

    def until_final(
        self,
        ask: Callable[[int], httpx.Response],
        read: Callable[[httpx.Response], tuple[State, str, bool]],
        *,
        subject: str,
        within_s: float,
    ) -> State:
        """The first final state.

        Args:
            ask: makes a request that may take that many seconds to answer.
            read: gives an answer's state, the name of its status, and whether it is final.

        Raises:
            DeadlinePassedError: nothing final came in `within_s` seconds.
        """
        begun = self.clock()
        while True:
            left_s = within_s - (self.clock() - begun)
            asked_at = self.clock()
            response = ask(max(0, min(LONGEST_POLL_S, int(left_s))))
            state, status, final = read(response)
            if final:
                return state
            waited_s = self.clock() - begun
            pause_s = self._pause_s(response, self.clock() - asked_at)
            if waited_s + pause_s >= within_s:
                raise DeadlinePassedError(subject, status, waited_s)
            self.retry.sleep(pause_s)

    def _pause_s(self, response: httpx.Response, answered_in_s: float) -> float:
        """An API that has held the request as asked needs no pause; one that has not says how long."""
        asked = retry_after_s(response)
        if asked is None:
            return max(0.0, _USUAL_PAUSE_S - answered_in_s)
        return asked + self.retry.first_pause_s * self.retry.draw() if asked else 0.0
