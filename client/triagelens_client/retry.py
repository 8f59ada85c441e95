"""How often, and after which pause, a call that may be repeated is repeated."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Retry:
    """Exponential back-off with jitter, which gives way to the server's `Retry-After`.

    Attributes:
        tries: how often a call is made in all.
        first_pause_s: longest first pause; doubles from try to try.
        longest_pause_s: no single pause is longer. Where the server asks for more, its refusal is final.
        sleep, draw: replaced in tests; `draw` gives a number in [0, 1).
    """

    tries: int = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def pause_s(self, tried: int, retry_after_s: float | None) -> float | None:
        """Seconds to wait after the try number `tried` (from 1), or None to give up.

        Never shorter than `retry_after_s`: jitter is added to it, so that clients refused together
        do not come back together.
        """
        if tried >= self.tries:
            return None
        if retry_after_s is not None:
            if retry_after_s > self.longest_pause_s:
                return None
            return retry_after_s + self.first_pause_s * self.draw()
        ceiling: float = min(self.longest_pause_s, self.first_pause_s * 2 ** (tried - 1))
        return ceiling * (0.5 + 0.5 * self.draw())
