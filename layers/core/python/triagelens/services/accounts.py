"""People sign up, sign in, and are recognised."""

from triagelens.domain.audit import NOBODY, AuditEntry, Outcome
from triagelens.domain.errors import (
    ConfirmationError,
    ForbiddenError,
    NotFoundError,
    PasswordRefusedError,
    SignInError,
    UnauthenticatedError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person, Role, missing_from_password
from triagelens.services.identity_ports import Account, AuditTrail, IdentityProvider, Tokens, TokenVerifier
from triagelens.services.ports import Clock, People


class Authentication:
    """Tells who a bearer of an access token is."""

    def __init__(self, tokens: TokenVerifier, people: People) -> None:
        self._tokens = tokens
        self._people = people

    def person(self, access_token: str) -> Person:
        """The person's record, read anew each time: it alone says what they may do.

        A token carries whole seconds only. One issued in the very second of a sign-out is refused:
        better one sign-in too many than a revoked token that still works.

        Raises:
            UnauthenticatedError: the token does not count.
            ForbiddenError: the person has no record, or was disabled.
            UnavailableError: the token cannot be checked just now.
        """
        claims = self._tokens.verify(access_token)
        try:
            person = self._people.person(claims.sub)
        except NotFoundError:
            raise ForbiddenError("This account may not use the platform.") from None
        if person.disabled:
            raise ForbiddenError("This account may not use the platform.")
        if person.valid_after is not None and claims.issued_at < person.valid_after:
            raise UnauthenticatedError("The access token has been revoked. Sign in again.")
        return person


class Accounts:
    """Sign-up and sign-in, without ever telling a stranger whether an account exists."""

    def __init__(
        self,
        identity: IdentityProvider,
        people: People,
        tokens: TokenVerifier,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._people = people
        self._tokens = tokens
        self._audit = audit
        self._clock = clock

    def sign_up(self, username: str, password: str, email: str | None, name: str | None) -> None:
        """Makes an account and the person's record, as a patient. Does nothing if the name is taken.

        The password is judged before the provider is asked, so that a weak one is refused alike
        whether or not the name is taken.

        Raises:
            PasswordRefusedError: the password breaks the rules.
        """
        if missing := missing_from_password(password):
            raise PasswordRefusedError(f"The password still needs {', '.join(missing)}.")
        account = self._identity.sign_up(username, password, email, name)
        if account is not None:
            self._record(account)

    def confirm(self, username: str, code: str) -> None:
        """Confirms an account.

        The record is made first if it is missing (sign-up may have died between its two writes), so a
        confirmed account always has one, and a confirmation that failed can simply be repeated.

        Raises:
            ConfirmationError: the code does not fit, or there is no such account.
        """
        account = self._identity.account(username)
        if account is None:
            raise ConfirmationError("That code is not right, or no longer valid.")
        self._record(account)
        self._identity.confirm(username, code)

    def sign_in(
        self, username: str, password: str, code: str | None, new_password: str | None, correlation_id: str
    ) -> Tokens:
        """Tokens for a person. Success and failure are both audited.

        Raises:
            ChallengeError: more is needed than the password.
            SignInError: something was wrong.
        """
        try:
            tokens = self._identity.sign_in(username, password, code, new_password)
        except SignInError as error:
            self._write_down(NOBODY, Outcome.DENIED, correlation_id, error.code)
            raise
        self._write_down(self._tokens.verify(tokens.access_token).sub, Outcome.ALLOWED, correlation_id, None)
        return tokens

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens.

        Raises:
            SignInError: the refresh token does not count any more.
        """
        return self._identity.refresh(refresh_token)

    def _record(self, account: Account) -> Person:
        return self._people.add_person(
            Person(
                sub=account.sub,
                username=account.username,
                role=Role.PATIENT,
                email=account.email,
                name=account.name,
                created_at=self._clock(),
            )
        )

    def _write_down(self, actor: str, outcome: Outcome, correlation_id: str, reason: str | None) -> None:
        self._audit.append(
            AuditEntry(
                entry_id=new_id(),
                at=self._clock(),
                actor=actor,
                action="session.sign_in",
                subject=actor,
                outcome=outcome,
                correlation_id=correlation_id,
                reason=reason,
            )
        )
