"""People who are expected, in memory; hashes sealed by a mark in front of them."""

from dataclasses import dataclass, field

from tests.fakes import FakePeople
from triagelens.domain.errors import ConflictError
from triagelens.domain.migration import Migration
from triagelens.domain.people import Person


@dataclass
class FakeMigrations:
    people: FakePeople
    records: dict[str, Migration] = field(default_factory=dict)

    def migration(self, username: str) -> Migration | None:
        return self.records.get(username)

    def add_migration(self, migration: Migration) -> None:
        if migration.username in self.records:
            raise ConflictError("There is a migration of that name.")
        self.records[migration.username] = migration.model_copy(update={"version": 1})

    def complete(self, migration: Migration, person: Person) -> None:
        if self.records[migration.username].version != migration.version:
            raise ConflictError("The migration has changed since it was read.")
        if person.sub in self.people.records:
            raise ConflictError("The person was there.")
        self.people.add_person(person)
        done = {"sealed_hash": None, "feedback": None, "version": 2}
        self.records[migration.username] = migration.model_copy(update=done)


@dataclass
class FakeHashVault:
    def seal(self, username: str, password_hash: str) -> str:
        return f"sealed:{username}:{password_hash}"

    def open(self, username: str, sealed: str) -> str:
        return sealed.removeprefix(f"sealed:{username}:")
