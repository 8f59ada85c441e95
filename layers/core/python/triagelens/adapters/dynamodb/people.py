"""Persons' records in the users table."""

from typing import Any

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import UsersItem, bind
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

    def person(self, sub: str) -> Person:
        try:
            item = UsersItem.get(person_pk(sub), META, consistent_read=True)
        except UsersItem.DoesNotExist:
            raise NotFoundError("There is no such person.") from None
        return _person(item)

    def add_person(self, person: Person) -> Person:
        item = _person_item(person)
        try:
            item.save()  # the version attribute makes it fail if there is one
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return self.person(person.sub)
        return person.model_copy(update={"version": item.version})

    def replace_person(self, person: Person) -> Person:
        item = _person_item(person)
        item.version = person.version
        try:
            item.save()
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise ConflictError("The person's record has changed since it was read.") from error
            raise
        return person.model_copy(update={"version": item.version})

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


def _person_item(person: Person) -> UsersItem:
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
