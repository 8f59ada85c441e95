"""Access tokens: kept, renewed before they end, shared between threads."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from triagelens_client.errors import NotSignedInError

EARLY = timedelta(seconds=60)
"""A token this close to its end is renewed before it is used."""


class Tokens(BaseModel):
    """What a sign-in gives. `repr` and logs show neither token."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_at: datetime
    username: str | None = None

    def lasts(self, now: datetime) -> bool:
        """Whether the access token is good for a while yet."""
        return now + EARLY < self.expires_at


class TokenProvider(Protocol):
    """Where the client's access tokens come from."""

    def __call__(self, refused: str | None = None) -> str:
        """An access token, other than `refused`, which the API has just turned down.

        Raises:
            NotSignedInError: there is none.
        """


class RenewedTokens:
    """A provider over a sign-in's tokens, which it renews with their refresh token.

    Args:
        tokens: from `Triagelens.sign_in`.
        renew: asks the API for new ones.
        keep: told of each renewal, so that the new tokens outlive the process.
    """

    def __init__(
        self,
        tokens: Tokens,
        renew: Callable[[Tokens], Tokens],
        keep: Callable[[Tokens], None] | None = None,
    ) -> None:
        self._tokens = tokens
        self._renew = renew
        self._keep = keep
        self._lock = threading.Lock()

    def __call__(self, refused: str | None = None) -> str:
        with self._lock:
            current = self._tokens.access_token
            if current == refused or not self._tokens.lasts(datetime.now(UTC)):
                self._replace()
            return self._tokens.access_token

    def _replace(self) -> None:
        if self._tokens.refresh_token is None:
            raise NotSignedInError("The sign-in has ended; sign in again.")
        self._tokens = self._renew(self._tokens)
        if self._keep is not None:
            self._keep(self._tokens)


def signed_out(refused: str | None = None) -> str:
    """The provider of a client that nobody has signed in to."""
    raise NotSignedInError("Sign in first.")
