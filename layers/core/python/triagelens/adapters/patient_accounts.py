"""Accounts of patients who are erased: the person's record, and the user in the pool."""

from triagelens.adapters.cognito import CognitoIdentity
from triagelens.adapters.cognito_directory import CognitoDirectory
from triagelens.adapters.dynamodb.migrations import DynamoMigrations
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.domain.errors import NotFoundError
from triagelens.domain.people import Person


class PatientAccounts:
    """`services.erasure_ports.Accounts`."""

    def __init__(
        self,
        people: DynamoPeople,
        identity: CognitoIdentity,
        directory: CognitoDirectory,
        migrations: DynamoMigrations,
    ) -> None:
        self._people = people
        self._migrations = migrations
        self._identity = identity
        self._directory = directory

    def sub_of(self, username: str) -> str | None:
        account = self._identity.account(username)
        return None if account is None else account.sub

    def person(self, sub: str) -> Person | None:
        try:
            return self._people.person(sub)
        except NotFoundError:
            return None

    def expect_no_more(self, username: str, patient_id: str) -> None:
        self._migrations.forget(username, patient_id)

    def unlink(self, person: Person) -> None:
        self._people.replace_person(person.model_copy(update={"patient_id": None}))

    def remove(self, sub: str, username: str) -> None:
        self._people.forget(sub)
        if self.sub_of(username) == sub:
            self._directory.remove(username)
