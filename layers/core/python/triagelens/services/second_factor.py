"""Setting up an authenticator app."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from triagelens.domain.people import Person
from triagelens.services.accounts import Accounts
from triagelens.services.identity_ports import AuthenticatorProvider
from triagelens.services.journal import Journal
from triagelens.services.ports import People
from triagelens.services.sessions import change_record

ISSUER = "Triagelens"


@dataclass(frozen=True)
class Enrolment:
    """A secret to put into the app. `uri` is the same for a QR code (the form that the apps agree on)."""

    secret: str
    uri: str


@dataclass(frozen=True)
class SecondFactor:
    """Enrolment, by password and not by token.

    So a stolen token cannot put a stranger's app in place, and who may not sign in without an app can
    still set one up. Whoever has one already shows its code.
    """

    accounts: Accounts
    provider: AuthenticatorProvider
    people: People
    journal: Journal

    def begin(self, username: str, password: str, code: str | None) -> Enrolment:
        """A new secret. Until it is verified, nothing changes.

        Raises:
            ChallengeError: an app is set up already, and its code did not come along.
            SignInError: something was wrong.
        """
        tokens, person = self.accounts.prove(username, password, code, None, self.journal.correlation_id)
        secret = self.provider.associate(tokens.access_token)
        return Enrolment(secret, _uri(secret, person))

    def finish(self, username: str, password: str, code: str | None, new_code: str) -> None:
        """Shows that the app has the secret; from now on every sign-in needs its code.

        Raises:
            ConfirmationError: `new_code` is not of the new secret.
            ChallengeError, SignInError: see `begin`.
        """
        tokens, person = self.accounts.prove(username, password, code, None, self.journal.correlation_id)
        self.provider.verify(tokens.access_token, new_code)
        self.journal.write(person.sub, "second_factor.set_up", person.sub)
        change_record(self.people, person.sub, second_factor=True)


def _uri(secret: str, person: Person) -> str:
    label = quote(f"{ISSUER}:{person.username}", safe=":")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER})}"
