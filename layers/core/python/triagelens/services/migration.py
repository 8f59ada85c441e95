"""People of a former system come over with the password they have, each at their first sign-in."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Protocol

from triagelens.domain.audit import NOTHING
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import new_id
from triagelens.domain.migration import (
    LONGEST_PASSWORD_BYTES,
    Judged,
    Migration,
    Newcomer,
    Verdict,
    fault_of,
)
from triagelens.domain.people import Person, Role
from triagelens.services.identity_ports import Account, Directory, IdentityProvider
from triagelens.services.journal import Journal
from triagelens.services.ports import Clock

# Of nobody's password, checked where there is none: an unknown name takes as long as a wrong password.
DECOY = b"$2b$12$AQAdljEpVlZB5Q46qbBy0.NEsT8rVRUzJARgIXhk2aLYtisXi0XB."
EXISTS_TEXT = "there is an account of that name"
TWICE_TEXT = "the name came twice"


class MigrationRecords(Protocol):
    def migration(self, username: str) -> Migration | None: ...

    def add_migration(self, migration: Migration) -> None:
        """Raises:
        ConflictError: there is one of that name.
        """

    def complete(self, migration: Migration, person: Person) -> None:
        """Writes the person's record and takes the hash away, both or neither.

        Raises:
            ConflictError: the person was there, or the migration has changed.
        """


class HashVault(Protocol):
    """Hashes go in at one place and come out at another; neither place can do both."""

    def seal(self, username: str, password_hash: str) -> str: ...

    def open(self, username: str, sealed: str) -> str: ...


@dataclass(frozen=True)
class Migrations:
    records: MigrationRecords
    vault: HashVault
    identity: IdentityProvider
    directory: Directory
    clock: Clock
    journal: Journal

    def take(self, admin: Person, newcomers: Sequence[Newcomer], *, dry_run: bool) -> list[Judged]:
        """Takes people in, so that each can sign in with the password they have. Safe to repeat.

        A dry run says the same and changes nothing.
        """
        if not dry_run:
            self.journal.write(admin.sub, "person.migrate", NOTHING, reason=f"{len(newcomers)} people")
        seen: set[str] = set()
        judged: list[Judged] = []
        for newcomer in newcomers:
            fault = TWICE_TEXT if newcomer.username in seen else fault_of(newcomer)
            seen.add(newcomer.username)
            judged.append(self._judge(newcomer, fault, dry_run=dry_run))
        return judged

    def expects(self, username: str) -> bool:
        """Whether a name is kept for somebody who has not come yet."""
        migration = self.records.migration(username)
        return migration is not None and migration.sealed_hash is not None

    def arrive(self, username: str) -> bool:
        """Gives somebody who has just come over their record, and forgets the hash.

        Only for the account that carries the migration's proof: a stranger who signed up under the name
        directly at the provider does not get the role.
        """
        account = self.identity.account(username)
        if account is None or account.migration is None:
            return False
        migration = self.records.migration(account.username)
        if migration is None or not compare_digest(migration.proof, account.migration):
            return False
        if migration.sealed_hash is None:
            return False
        self._settle(account, migration)
        return True

    def _settle(self, account: Account, migration: Migration) -> None:
        reason = f"migrated, role {migration.role}"
        self.journal.write(account.sub, "person.create", account.sub, reason=reason)
        self.directory.set_role(account.username, migration.role)
        person = Person(
            sub=account.sub,
            username=account.username,
            role=migration.role,
            name=migration.name,
            created_at=self.clock(),
        )
        try:
            self.records.complete(migration.model_copy(update={"sub": account.sub}), person)
        except ConflictError:  # the same sign-in, twice at once: the record is there now
            return

    def _judge(self, newcomer: Newcomer, fault: str | None, *, dry_run: bool) -> Judged:
        name = newcomer.username
        if fault is not None:
            return Judged(username=name, verdict=Verdict.REFUSED, reason=fault)
        if self.records.migration(name) is not None:
            return Judged(username=name, verdict=Verdict.KNOWN)
        if self.identity.account(name) is not None:
            return Judged(username=name, verdict=Verdict.REFUSED, reason=EXISTS_TEXT)
        if not dry_run:
            migration = Migration(
                username=name,
                role=Role(newcomer.role),
                name=newcomer.name,
                proof=f"{new_id()}-{secrets.token_hex(16)}",
                sealed_hash=self.vault.seal(name, newcomer.password_hash),
                taken_at=self.clock(),
            )
            try:
                self.records.add_migration(migration)
            except ConflictError:
                return Judged(username=name, verdict=Verdict.KNOWN)
        return Judged(username=name, verdict=Verdict.TAKEN)


@dataclass(frozen=True)
class Proving:
    """Whether somebody knows the password of a person who is expected.

    Args:
        matches: bcrypt's check of a password against a hash, in constant time.
    """

    records: MigrationRecords
    vault: HashVault
    matches: Callable[[bytes, bytes], bool]

    def prove(self, username: str, password: str) -> Migration | None:
        """The migration, or None: for a wrong password, an unknown name and somebody who has come alike."""
        given = password.encode()[:LONGEST_PASSWORD_BYTES]
        migration = self.records.migration(username)
        if migration is None or migration.sealed_hash is None:
            self.matches(given, DECOY)
            return None
        known = self.vault.open(username, migration.sealed_hash).encode()
        return migration if self.matches(given, known) else None
