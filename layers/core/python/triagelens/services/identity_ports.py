"""What the use cases need to know who is asking, and to write down what they did."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from triagelens.domain.audit import AuditEntry
from triagelens.domain.people import Role


@dataclass(frozen=True)
class Account:
    """A person as the identity provider knows them.

    Attributes:
        migration: proof that the account was made for somebody who was expected.
    """

    sub: str
    username: str
    email: str | None = None
    name: str | None = None
    invited: bool = False
    migration: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives. A refresh gives no new refresh token.

    Attributes:
        second_factor: whether this sign-in showed a code of the authenticator app.
    """

    access_token: str
    expires_in_s: int
    id_token: str | None = None
    refresh_token: str | None = None
    second_factor: bool = False


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

    def resend(self, username: str) -> None:
        """Sends a new confirmation code, if there is such an account and it waits for one."""

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

    def sign_out(self, username: str) -> None:
        """Revokes every refresh token of the account; nothing if there is none."""


class PasswordProvider(Protocol):
    """Passwords, as the identity provider keeps them."""

    def send_reset_code(self, username: str) -> None:
        """Sends a code by e-mail, if there is such an account and it can be reset."""

    def reset(self, username: str, code: str, new_password: str) -> None:
        """Sets a new password.

        Raises:
            ConfirmationError: for a wrong code and an unknown account alike.
            PasswordRefusedError: the password breaks the provider's rules.
        """

    def change(self, access_token: str, old_password: str, new_password: str) -> None:
        """Sets a new password for who knows the old one.

        Raises:
            WrongPasswordError: the old one is not right.
            PasswordRefusedError: the new one breaks the provider's rules.
        """


class AuthenticatorProvider(Protocol):
    """Authenticator apps (TOTP, RFC 6238), as the identity provider keeps them."""

    def associate(self, access_token: str) -> str:
        """A new secret, in base 32. The one before counts until this one is verified."""

    def verify(self, access_token: str, code: str) -> None:
        """Asks for a code at every sign-in from now on.

        Raises:
            ConfirmationError: the code does not come from the new secret.
        """


class Directory(Protocol):
    """What admins do with other people's accounts. Unknown accounts are passed over."""

    def invite(self, username: str, email: str, name: str | None) -> Account | None:
        """Makes an account and mails its first password; None if the name or address is taken."""

    def invite_again(self, username: str) -> None:
        """Mails a new first password."""

    def set_enabled(self, username: str, enabled: bool) -> None: ...

    def set_role(self, username: str, role: Role) -> None:
        """Makes the account a member of the role's group, and of no other role's."""

    def require_reset(self, username: str) -> None:
        """Takes the password away and mails a code for a new one.

        Raises:
            ConflictError: the account has no confirmed e-mail address.
        """

    def forget_authenticator(self, username: str) -> None:
        """Asks for no code any more."""

    def remove(self, username: str) -> None: ...


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
