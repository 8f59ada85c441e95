"""People of a former system come over with the password they have, each at their first sign-in."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from typing import Protocol

from triagelens.domain.audit import NOTHING
from triagelens.domain.errors import ConflictError, NotFoundError, OutdatedError
from triagelens.domain.feedback import Feedback
from triagelens.domain.ids import is_id, new_id, new_id_of
from triagelens.domain.migration import (
    LONGEST_PASSWORD_BYTES,
    Judged,
    Migration,
    Newcomer,
    Verdict,
    fault_of,
)
from triagelens.domain.patients import LinkedAccount, Patient, digest_of_address
from triagelens.domain.people import Person, Role
from triagelens.services.feedback import FeedbackRecords
from triagelens.services.identity_ports import Account, Directory, IdentityProvider
from triagelens.services.journal import Journal
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Clock

# Of nobody's password, checked where there is none: an unknown name takes as long as a wrong password.
DECOY = b"$2b$12$AQAdljEpVlZB5Q46qbBy0.NEsT8rVRUzJARgIXhk2aLYtisXi0XB."
EXISTS_TEXT = "there is an account of that name"
TWICE_TEXT = "the name came twice"
OTHERS_TEXT = "the name is kept for somebody else"
NO_PATIENT_TEXT = "there is no such patient"
HAS_ACCOUNT_TEXT = "the patient has an account"
LINK_TRIES = 3


class MigrationRecords(Protocol):
    def migration(self, username: str) -> Migration | None: ...

    def add_migration(self, migration: Migration) -> None:
        """Raises:
        ConflictError: there is one of that name.
        """

    def complete(self, migration: Migration, person: Person) -> None:
        """Writes the person's record and takes hash and feedback away, both or neither.

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
    patients: PatientRecords
    feedback: FeedbackRecords

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
            judged.append(self._judge(admin, newcomer, fault, dry_run=dry_run))
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
        if migration.patient_id is not None and not self._link(migration, migration.patient_id, account.sub):
            return False
        self._settle(account, migration)
        return True

    def _settle(self, account: Account, migration: Migration) -> None:
        reason = f"migrated, role {migration.role}"
        self.journal.write(account.sub, "person.create", account.sub, reason=reason)
        self.directory.set_role(account.username, migration.role)
        self._bring_feedback(account.sub, migration)
        person = Person(
            sub=account.sub,
            username=account.username,
            role=migration.role,
            name=migration.name,
            last_name=migration.last_name,
            patient_id=migration.patient_id,
            created_at=self.clock(),
        )
        try:
            self.records.complete(migration.model_copy(update={"sub": account.sub}), person)
        except ConflictError:  # the same sign-in, twice at once: the record is there now
            return

    def _bring_feedback(self, sub: str, migration: Migration) -> None:
        """What they said before is theirs now, never over what they have said since."""
        said = migration.feedback
        if said is None or self.feedback.feedback(sub) is not None:
            return
        when = said.submitted_at or migration.taken_at
        given = Feedback(
            feedback_id=new_id_of(when), person=sub, rating=said.rating, text=said.text, submitted_at=when
        )
        with suppress(ConflictError):  # the same sign-in, twice at once
            self.feedback.write(given)

    def _judge(self, admin: Person, newcomer: Newcomer, fault: str | None, *, dry_run: bool) -> Judged:
        name = newcomer.username
        if fault is not None:
            return Judged(username=name, verdict=Verdict.REFUSED, reason=fault)
        known = self.records.migration(name)
        if known is not None:
            if newcomer.patient_id in (None, known.patient_id):
                return Judged(username=name, verdict=Verdict.KNOWN)
            return Judged(username=name, verdict=Verdict.REFUSED, reason=OTHERS_TEXT)
        if self.identity.account(name) is not None:
            return Judged(username=name, verdict=Verdict.REFUSED, reason=EXISTS_TEXT)
        if newcomer.patient_id is not None:
            unlinked = self._expect(admin, name, newcomer.patient_id, dry_run=dry_run)
            if unlinked is not None:
                return Judged(username=name, verdict=Verdict.REFUSED, reason=unlinked)
        if not dry_run:
            migration = Migration(
                username=name,
                role=Role(newcomer.role),
                name=newcomer.name,
                last_name=newcomer.last_name,
                proof=f"{new_id()}-{secrets.token_hex(16)}",
                sealed_hash=self.vault.seal(name, newcomer.password_hash),
                taken_at=self.clock(),
                patient_id=newcomer.patient_id,
                feedback=newcomer.feedback,
            )
            try:
                self.records.add_migration(migration)
            except ConflictError:
                return Judged(username=name, verdict=Verdict.KNOWN)
        return Judged(username=name, verdict=Verdict.TAKEN)

    def _expect(self, admin: Person, username: str, patient_id: str, *, dry_run: bool) -> str | None:
        """Notes in a patient's record under which name they will come; or why that cannot be.

        From then on whoever erases the patient erases what is kept for them to come, too.
        """
        for _ in range(LINK_TRIES):
            patient = self._patient(patient_id)
            if patient is None:
                return NO_PATIENT_TEXT
            if patient.account is not None:
                return None if patient.account.username == username else HAS_ACCOUNT_TEXT
            if dry_run:
                return None
            digest = digest_of_address(f"migrated {username}")
            account = LinkedAccount(username=username, address_digest=digest)
            if self._replaced(admin.sub, patient, account):
                return None
        return "the patient's record keeps changing; try again"

    def _link(self, migration: Migration, patient_id: str, sub: str) -> bool:
        """Tells the patient's record whose account is theirs; False if the patient is gone."""
        for _ in range(LINK_TRIES):
            patient = self._patient(patient_id)
            if patient is None or patient.account is None:
                return False
            if patient.account.username != migration.username:
                return False
            if patient.account.sub == sub:
                return True
            if self._replaced(sub, patient, patient.account.model_copy(update={"sub": sub})):
                return True
        return False

    def _patient(self, patient_id: str) -> Patient | None:
        if not is_id(patient_id):
            return None
        try:
            return self.patients.patient(patient_id)
        except NotFoundError:
            return None

    def _replaced(self, by: str, patient: Patient, account: LinkedAccount) -> bool:
        self.journal.write(by, "patient.change", patient.patient_id)
        try:
            self.patients.replace_patient(patient, patient.model_copy(update={"account": account}))
        except OutdatedError:
            return False
        return True


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
