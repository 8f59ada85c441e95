"""Passwords, authenticator apps, other people's accounts and counted tries, in memory."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes import RIGHT_CODE, FakeClock, FakeIdentity
from triagelens.domain.attempts import Allowance
from triagelens.domain.errors import ConfirmationError, ConflictError, WrongPasswordError
from triagelens.domain.people import Role
from triagelens.services.identity_ports import Account

FIRST_PASSWORD = "First-password-1"
SECRET = "JBSWY3DPEHPK3PXP"


@dataclass
class FakePasswords:
    """Of the accounts of `identity`."""

    identity: FakeIdentity
    mailed: list[str] = field(default_factory=list)

    def send_reset_code(self, username: str) -> None:
        if username in self.identity.confirmed:
            self.mailed.append(username)

    def reset(self, username: str, code: str, new_password: str) -> None:
        if code != RIGHT_CODE or username not in self.identity.accounts:
            raise ConfirmationError("That code is not right, or no longer valid.")
        self.identity.passwords[username] = new_password

    def change(self, access_token: str, old_password: str, new_password: str) -> None:
        username = access_token.removeprefix("sub-")
        if self.identity.passwords[username] != old_password:
            raise WrongPasswordError("The present password is not right.")
        self.identity.passwords[username] = new_password


@dataclass
class FakeAuthenticators:
    """Of the accounts of `identity`. Every app shows the one right code."""

    identity: FakeIdentity

    def associate(self, access_token: str) -> str:
        return SECRET

    def verify(self, access_token: str, code: str) -> None:
        if code != RIGHT_CODE:
            raise ConfirmationError("That code is not right, or no longer valid.")
        self.identity.challenges[access_token.removeprefix("sub-")] = "SOFTWARE_TOKEN_MFA"


@dataclass
class FakeDirectory:
    """Of the accounts of `identity`."""

    identity: FakeIdentity
    invitations: list[str] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    disabled: set[str] = field(default_factory=set)
    groups: dict[str, Role] = field(default_factory=dict)

    def invite(self, username: str, email: str, name: str | None) -> Account | None:
        addresses = {account.email for account in self.identity.accounts.values()}
        if username in self.identity.accounts or email in addresses:
            return None
        account = Account(f"sub-{username}", username, email, name, invited=True)
        self.identity.accounts[username] = account
        self.identity.passwords[username] = FIRST_PASSWORD
        self.identity.confirmed.add(username)
        self.identity.challenges[username] = "NEW_PASSWORD_REQUIRED"
        self.invitations.append(username)
        return account

    def invite_again(self, username: str) -> None:
        self.invitations.append(username)

    def accept(self, username: str) -> None:
        """The person has replaced their first password."""
        self.identity.accounts[username] = replace(self.identity.accounts[username], invited=False)
        self.identity.challenges.pop(username, None)

    def set_enabled(self, username: str, enabled: bool) -> None:
        (self.disabled.discard if enabled else self.disabled.add)(username)

    def set_role(self, username: str, role: Role) -> None:
        self.groups[username] = role

    def require_reset(self, username: str) -> None:
        if self.identity.accounts[username].email is None:
            raise ConflictError("The account has no confirmed e-mail address.")
        self.resets.append(username)

    def forget_authenticator(self, username: str) -> None:
        self.identity.challenges.pop(username, None)

    def remove(self, username: str) -> None:
        self.identity.accounts.pop(username, None)
        self.identity.confirmed.discard(username)


@dataclass
class FakeAttempts:
    """Tries by key: how many, when the next may be, when all is forgotten."""

    clock: FakeClock
    counted: dict[str, tuple[int, datetime, datetime]] = field(default_factory=dict)

    def take(self, key: str, allowance: Allowance) -> timedelta:
        now = self.clock()
        tries, open_at, ends = self.counted.get(key, (0, now, now))
        if ends <= now:
            tries, open_at, ends = 0, now, now + allowance.window
        if open_at > now:
            return open_at - now
        opens = now + allowance.pause(tries + 1)
        self.counted[key] = (tries + 1, opens, max(ends, opens))
        return timedelta()

    def give_back(self, key: str) -> None:
        if key in self.counted:
            tries, open_at, ends = self.counted[key]
            self.counted[key] = (tries - 1, open_at, ends)

    def forget(self, key: str) -> None:
        self.counted.pop(key, None)
