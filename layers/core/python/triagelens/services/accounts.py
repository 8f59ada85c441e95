"""People sign up, sign in, and are recognised."""

from collections.abc import Collection
from typing import Protocol

from triagelens.domain.audit import NOBODY, AuditEntry, Outcome
from triagelens.domain.errors import (
    ConfirmationError,
    ForbiddenError,
    NotFoundError,
    SecondFactorMissingError,
    SignInError,
    TooManyRequestsError,
    UnauthenticatedError,
    WrongDoorError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person, Role
from triagelens.services.identity_ports import Account, AuditTrail, IdentityProvider, Tokens, TokenVerifier
from triagelens.services.passwords import judge
from triagelens.services.ports import Clock, People
from triagelens.services.sessions import change_record

NO_ENTRY_TEXT = "This account may not use the platform."
SECOND_FACTOR_TEXT = (
    "Your role needs an authenticator app. Set one up with POST /v1/auth/totp, then sign in with its code."
)


class Arrivals(Protocol):
    """People of a former system, at their first sign-in."""

    def expects(self, username: str) -> bool:
        """Whether the name is kept for somebody who has not come yet."""

    def arrive(self, username: str) -> bool:
        """Gives somebody who has just come their record; False if nobody was expected."""


class NoArrivals:
    """Nobody is expected."""

    def expects(self, username: str) -> bool:
        return False

    def arrive(self, username: str) -> bool:
        return False


class Authentication:
    """Tells who a bearer of an access token is.

    Args:
        second_factor_required: whether roles that need an authenticator app get nowhere without one.
    """

    def __init__(
        self, tokens: TokenVerifier, people: People, *, second_factor_required: bool = False
    ) -> None:
        self._tokens = tokens
        self._people = people
        self._second_factor_required = second_factor_required

    def person(self, access_token: str) -> Person:
        """The person's record, read anew each time: it alone says what they may do.

        Raises:
            UnauthenticatedError: the token does not count.
            ForbiddenError: the person has no record, or was disabled.
            SecondFactorMissingError: their role needs an authenticator app, and they have none.
            UnavailableError: the token cannot be checked just now.
        """
        person = self.admit(access_token)
        if self._second_factor_required and person.lacks_second_factor:
            raise SecondFactorMissingError(SECOND_FACTOR_TEXT)
        return person

    def admit(self, access_token: str) -> Person:
        """As `person`, but whether or not they have an authenticator app.

        A token carries whole seconds only. One issued in the very second of a sign-out is refused:
        better one sign-in too many than a revoked token that still works.
        """
        claims = self._tokens.verify(access_token)
        try:
            person = self._people.person(claims.sub)
        except NotFoundError:
            raise ForbiddenError(NO_ENTRY_TEXT) from None
        if person.disabled:
            raise ForbiddenError(NO_ENTRY_TEXT)
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
        *,
        second_factor_required: bool = False,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._arrivals = arrivals or NoArrivals()
        self._identity = identity
        self._people = people
        self._authentication = Authentication(tokens, people)
        self._second_factor_required = second_factor_required
        self._audit = audit
        self._clock = clock

    def sign_up(self, username: str, password: str, email: str | None, name: str | None) -> None:
        """Makes an account and the person's record, as a patient. Does nothing if the name is taken.

        The password is judged before the provider is asked, so that a weak one is refused alike
        whether or not the name is taken.

        Raises:
            PasswordRefusedError: the password breaks the rules.
        """
        judge(password)
        if self._arrivals.expects(username):  # to a stranger, the name is simply taken
            return
        account = self._identity.sign_up(username, password, email, name)
        if account is not None:
            self._record(account)

    def confirm(self, username: str, code: str) -> None:
        """Confirms an account.

        The record is made first if it is missing (sign-up may have died between its two writes), so a
        confirmed account always has one, and a confirmation that failed can simply be repeated. Not for an
        invitation: the admin who repeats it says which role its record has.

        Raises:
            ConfirmationError: the code does not fit, or there is no such account.
        """
        account = self._identity.account(username)
        if account is None or account.invited:
            raise ConfirmationError("That code is not right, or no longer valid.")
        self._record(account)
        self._identity.confirm(username, code)

    def resend(self, username: str) -> None:
        """Has a new confirmation code mailed, if there is such an account and it waits for one."""
        self._identity.resend(username)

    def sign_in(
        self, username: str, password: str, code: str | None, new_password: str | None, correlation_id: str
    ) -> Tokens:
        """Tokens for a person. Success and failure are both audited.

        Raises:
            ChallengeError: more is needed than the password.
            SecondFactorMissingError: the person's role needs an authenticator app, and they have none.
            SignInError: something was wrong.
            ForbiddenError: the password was right, and the person has no record or was disabled.
            TooManyRequestsError: every session was ended in this very second.
        """
        tokens, _ = self.enter(username, password, code, new_password, correlation_id)
        return tokens

    def enter(
        self,
        username: str,
        password: str,
        code: str | None,
        new_password: str | None,
        correlation_id: str,
        door: Collection[Role] = frozenset(Role),
    ) -> tuple[Tokens, Person]:
        """As `sign_in`, with whose tokens they are, by a door for some roles only.

        Raises:
            WrongDoorError: the password was right, and the door is for others. It is audited, too.
        """
        tokens, person = self.prove(username, password, code, new_password, correlation_id)
        if person.role not in door:
            self._write_down(person.sub, Outcome.DENIED, correlation_id, WrongDoorError.code)
            raise WrongDoorError("This sign-in is for others; yours is at another address.")
        if tokens.second_factor and not person.second_factor:
            change_record(self._people, person.sub, second_factor=True)
        # What was shown just now counts, and not what the record remembers.
        if self._second_factor_required and person.needs_second_factor and not tokens.second_factor:
            self._write_down(person.sub, Outcome.DENIED, correlation_id, SecondFactorMissingError.code)
            raise SecondFactorMissingError(SECOND_FACTOR_TEXT)
        self._write_down(person.sub, Outcome.ALLOWED, correlation_id, None)
        return tokens, person

    def prove(
        self, username: str, password: str, code: str | None, new_password: str | None, correlation_id: str
    ) -> tuple[Tokens, Person]:
        """Who knows this password, and whatever the account asks beyond it. Failure is audited."""
        try:
            tokens = self._identity.sign_in(username, password, code, new_password)
            return tokens, self._admit(username, tokens)
        except (SignInError, ForbiddenError) as error:
            self._write_down(NOBODY, Outcome.DENIED, correlation_id, error.code)
            raise
        except UnauthenticatedError as error:
            # Tokens tell whole seconds: this one cannot be told from those that were just revoked.
            raise TooManyRequestsError("Sessions have just been ended. Try again.", 1) from error

    def _admit(self, username: str, tokens: Tokens) -> Person:
        """The person's record, which somebody who has just come over is given now."""
        try:
            return self._authentication.admit(tokens.access_token)
        except ForbiddenError:
            if not self._arrivals.arrive(username):
                raise
        return self._authentication.admit(tokens.access_token)

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
