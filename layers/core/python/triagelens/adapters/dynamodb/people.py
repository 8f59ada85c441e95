"""Persons' records in the users table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from triagelens.adapters.dynamodb.tables import UsersItem, bind, transaction_connection
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.people import Person, Role
from triagelens.services.ports import Page

META = "META"


def person_pk(sub: str) -> str:
    return f"USER#{sub}"


class DynamoPeople:
    """`services.ports.People` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(UsersItem, table_name, region)
        self._connection = transaction_connection(region)

    def person(self, sub: str) -> Person:
        try:
            item = UsersItem.get(person_pk(sub), META, consistent_read=True)
        except UsersItem.DoesNotExist:
            raise NotFoundError("There is no such person.") from None
        return _person(item)

    def add_person(self, person: Person) -> Person:
        item = person_item(person)
        try:
            item.save()  # the version attribute makes it fail if there is one
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return self.person(person.sub)
        return person.model_copy(update={"version": item.version})

    def replace_person(self, person: Person) -> Person:
        item = person_item(person)
        item.version = person.version
        try:
            item.save()
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise ConflictError("The person's record has changed since it was read.") from error
            raise
        return person.model_copy(update={"version": item.version})

    def change_person(self, person: Person, admin: Person) -> Person:
        item = person_item(person)
        item.version = person.version
        with self._witnessed(admin) as write:
            write.save(item)
        return person.model_copy(update={"version": item.version})

    def remove_person(self, person: Person, admin: Person) -> None:
        item = person_item(person)
        item.version = person.version
        with self._witnessed(admin) as write:
            write.delete(item)

    def forget(self, sub: str) -> None:
        """Deletes the record of a patient who is erased, if there is one."""
        UsersItem(person_pk(sub), META).delete(add_version_condition=False)

    @contextmanager
    def _witnessed(self, admin: Person) -> Iterator[TransactWrite]:
        """A transaction that holds only if `admin` has not changed since they were read."""
        unchanged = UsersItem.version == admin.version
        try:
            with TransactWrite(connection=self._connection) as write:
                write.condition_check(UsersItem, person_pk(admin.sub), META, condition=unchanged)
                yield write
        except TransactWriteError as error:
            causes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if causes & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise ConflictError("The record, or your own, has changed since it was read.") from error
            raise

    def people(self, role: Role, limit: int, cursor: str | None) -> Page[Person]:
        start = None if cursor is None else self._start(role, cursor)
        found = UsersItem.gsi1.query(f"ROLE#{role}", limit=limit, page_size=limit, last_evaluated_key=start)
        items = [_person(item) for item in found]
        more = found.last_evaluated_key is not None
        return Page(items=items, cursor=items[-1].sub if more and items else None)

    def _start(self, role: Role, cursor: str) -> dict[str, dict[str, str]]:
        try:
            last = self.person(cursor)
        except NotFoundError:
            raise InvalidRequestError("The cursor is not one that this list gave out.") from None
        return {
            "pk": {"S": person_pk(last.sub)},
            "sk": {"S": META},
            "gsi1pk": {"S": f"ROLE#{role}"},
            "gsi1sk": {"S": last.username},
        }


def person_item(person: Person) -> UsersItem:
    return UsersItem(
        person_pk(person.sub),
        META,
        kind="person",
        body=person.model_dump(mode="json", exclude={"version"}),
        gsi1pk=f"ROLE#{person.role}",
        gsi1sk=person.username,
    )


def _person(item: UsersItem) -> Person:
    document: dict[str, Any] = item.body
    return Person.model_validate({**document, "version": item.version})
