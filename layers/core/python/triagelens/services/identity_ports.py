"""What the use cases need to know who is asking, and to write down what they did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from triagelens.domain.audit import AuditEntry


@dataclass(frozen=True)
class Account:
    """A person as the identity provider knows them."""

    sub: str
    username: str
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives. A refresh gives no new refresh token."""

    access_token: str
    expires_in_s: int
    id_token: str | None = None
    refresh_token: str | None = None


@dataclass(frozen=True)
class Claims:
    """What a verified access token says. `issued_at` has whole seconds only."""

    sub: str
    issued_at: datetime


class IdentityProvider(Protocol):
    """Sign-up and sign-in. Every method raises TooManyRequestsError when the provider throttles."""

    def sign_up(self, username: str, password: str, email: str | None, name: str | None) -> Account | None:
        """Makes an unconfirmed account; None if the name is taken.

        Raises:
            PasswordRefusedError: the password breaks the provider's rules.
        """

    def account(self, username: str) -> Account | None:
        """The account of that name, confirmed or not."""

    def confirm(self, username: str, code: str) -> None:
        """Confirms an account with the code that was sent.

        Raises:
            ConfirmationError: for a wrong code and an unknown account alike.
        """

    def sign_in(self, username: str, password: str, code: str | None, new_password: str | None) -> Tokens:
        """Tokens for a password, and for what the provider asks beyond it.

        Raises:
            ChallengeError: something more is needed and did not come along.
            SignInError: in the same words whatever was wrong.
        """

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token.

        Raises:
            SignInError: the refresh token does not count any more.
        """


class TokenVerifier(Protocol):
    def verify(self, token: str) -> Claims:
        """What an access token says, once everything about it was checked.

        Raises:
            UnauthenticatedError: it is forged, expired, or not an access token of this client.
            UnavailableError: the keys to check it with cannot be had.
        """


class AuditTrail(Protocol):
    """Append-only."""

    def append(self, entry: AuditEntry) -> None: ...
