"""How often a stranger may guess."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Protocol

from triagelens.domain.attempts import Allowance
from triagelens.domain.errors import ChallengeError, SecondFactorMissingError, TooManyRequestsError


class Attempts(Protocol):
    """Counted tries."""

    def take(self, key: str, allowance: Allowance) -> timedelta:
        """Counts a try and gives zero; or counts nothing, and gives how long to wait for the next."""

    def give_back(self, key: str) -> None:
        """Makes one try not have been."""

    def forget(self, key: str) -> None:
        """Makes every try not have been."""


class Kind(StrEnum):
    """What is tried. Each is counted apart."""

    SIGN_IN = "sign_in"
    CODE = "code"
    MAIL = "mail"


# Fewer free tries than Cognito's own five for an account, so that one source cannot make it close the
# account for longer than a moment.
OF_ONE_ACCOUNT = Allowance(free=4, longest=timedelta(minutes=15))
# A clinic is one source, and only what fails counts there.
OF_ONE_SOURCE = Allowance(free=100, longest=timedelta(minutes=5))


@dataclass(frozen=True)
class Limits:
    """The limits of one source: an address that the gateway has seen, not one that a caller names.

    Tries are counted for the pair of account and source, and for the source. There is no count for an
    account alone, so nobody can lock another person out.
    """

    attempts: Attempts
    source: str

    @contextmanager
    def attempt(self, kind: Kind, account: str) -> Iterator[None]:
        """One try, counted before it is made. What succeeds is not held against anybody, but for mails.

        Known and unknown accounts are counted alike.

        Raises:
            TooManyRequestsError: it is too early for another try.
        """
        pair = f"{kind}|{account.strip().casefold()}|{self.source}"
        source = f"{kind}|{self.source}"
        self._take(pair, OF_ONE_ACCOUNT)
        try:
            self._take(source, OF_ONE_SOURCE)
        except TooManyRequestsError:
            self.attempts.give_back(pair)
            raise
        try:
            yield
        except (ChallengeError, SecondFactorMissingError):
            # The password was right.
            self.attempts.give_back(pair)
            self.attempts.give_back(source)
            raise
        if kind is not Kind.MAIL:
            self.attempts.forget(pair)
            self.attempts.give_back(source)

    def _take(self, key: str, allowance: Allowance) -> None:
        wait = self.attempts.take(key, allowance)
        if wait > timedelta():
            raise TooManyRequestsError(
                "Too many attempts. Try again a little later.", ceil(wait.total_seconds())
            )
