"""Forgotten and changed passwords."""

from dataclasses import dataclass

from triagelens.domain.audit import NOBODY, Outcome
from triagelens.domain.errors import (
    ConfirmationError,
    NotFoundError,
    PasswordRefusedError,
    WrongPasswordError,
)
from triagelens.domain.people import Person, missing_from_password
from triagelens.services.identity_ports import IdentityProvider, PasswordProvider
from triagelens.services.journal import Journal
from triagelens.services.ports import People
from triagelens.services.sessions import Sessions


def judge(password: str) -> None:
    """Refuses a weak password before anybody is asked: alike for known and unknown accounts.

    Raises:
        PasswordRefusedError: it breaks the rules.
    """
    if missing := missing_from_password(password):
        raise PasswordRefusedError(f"The password still needs {', '.join(missing)}.")


@dataclass(frozen=True)
class Passwords:
    provider: PasswordProvider
    identity: IdentityProvider
    people: People
    sessions: Sessions
    journal: Journal

    def forgot(self, username: str) -> None:
        """Has a code mailed, if there is such an account. Nobody is told whether there is."""
        self.provider.send_reset_code(username)

    def reset(self, username: str, code: str, new_password: str) -> None:
        """Sets a new password for who has the code, and ends every session.

        Raises:
            PasswordRefusedError: the new password breaks the rules.
            ConfirmationError: the code does not fit, or there is no such account.
        """
        judge(new_password)
        try:
            self.provider.reset(username, code, new_password)
        except ConfirmationError as error:
            self.journal.write(NOBODY, "password.reset", NOBODY, Outcome.DENIED, error.code)
            raise
        account = self.identity.account(username)
        if account is None:  # removed in this very moment
            return
        self.journal.write(account.sub, "password.reset", account.sub)
        try:
            person = self.people.person(account.sub)
        except NotFoundError:  # and without a record, no token opens anything
            return
        self.sessions.end(person)

    def change(self, person: Person, access_token: str, old_password: str, new_password: str) -> None:
        """Sets a new password for who knows the old one, and ends every session, this one too.

        Raises:
            PasswordRefusedError: the new password breaks the rules.
            WrongPasswordError: the old one is not right.
        """
        judge(new_password)
        try:
            self.provider.change(access_token, old_password, new_password)
        except WrongPasswordError as error:
            self.journal.write(person.sub, "password.change", person.sub, Outcome.DENIED, error.code)
            raise
        self.journal.write(person.sub, "password.change", person.sub)
        self.sessions.end(person)
