"""People who are expected, in the users table."""

from typing import Any

from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from triagelens.adapters.dynamodb.people import META, person_item
from triagelens.adapters.dynamodb.tables import UsersItem, bind, transaction_connection
from triagelens.domain.errors import ConflictError
from triagelens.domain.migration import Migration
from triagelens.domain.people import Person

CHANGED_TEXT = "The migration has changed since it was read."


class DynamoMigrations:
    """`services.migration.MigrationRecords`. They are in no list: each is asked for by its name."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(UsersItem, table_name, region)
        self._connection = transaction_connection(region)

    def migration(self, username: str) -> Migration | None:
        try:
            item = UsersItem.get(_pk(username), META, consistent_read=True)
        except UsersItem.DoesNotExist:
            return None
        document: dict[str, Any] = item.body
        return Migration.model_validate({**document, "version": item.version})

    def add_migration(self, migration: Migration) -> None:
        try:
            _item(migration).save()  # the version attribute makes it fail if there is one
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise ConflictError("There is a migration of that name.") from error
            raise

    def forget(self, username: str, patient_id: str) -> None:
        """Forgets that a patient is, or was, expected under that name. Done again it does no harm."""
        known = self.migration(username)
        if known is not None and known.patient_id == patient_id:
            UsersItem(_pk(username), META).delete(add_version_condition=False)

    def complete(self, migration: Migration, person: Person) -> None:
        done = _item(migration.model_copy(update={"sealed_hash": None, "feedback": None}))
        done.version = migration.version
        try:
            with TransactWrite(connection=self._connection) as write:
                write.save(done)
                write.save(person_item(person))
        except TransactWriteError as error:
            causes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if causes & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise ConflictError(CHANGED_TEXT) from error
            raise


def _pk(username: str) -> str:
    return f"MIGRATION#{username}"


def _item(migration: Migration) -> UsersItem:
    body = migration.model_dump(mode="json", exclude={"version"})
    return UsersItem(_pk(migration.username), META, kind="migration", body=body)
