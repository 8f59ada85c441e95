"""Persons' records and audit entries in their tables."""

from datetime import UTC, datetime

import pytest
from pynamodb.exceptions import PutError

from tests.cloud import REGION, Cloud
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.tables import AuditItem
from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person, Role

NOW = datetime(2026, 11, 23, 10, 0, 0, 400_000, tzinfo=UTC)


def people() -> DynamoPeople:
    return DynamoPeople("users", REGION)


def person(name: str, role: Role = Role.PATIENT) -> Person:
    return Person(sub=f"sub-{name}", username=name, role=role, created_at=NOW, valid_after=NOW)


def test_a_record_comes_back_to_the_microsecond(cloud: Cloud) -> None:
    people().add_person(person("ada"))
    assert people().person("sub-ada").valid_after == NOW
    with pytest.raises(NotFoundError):
        people().person("sub-nobody")


def test_adding_a_person_twice_keeps_the_first_record(cloud: Cloud) -> None:
    people().add_person(person("ada", Role.DOCTOR))
    assert people().add_person(person("ada")).role is Role.DOCTOR
    assert people().person("sub-ada").role is Role.DOCTOR


def test_people_are_listed_by_role_and_name_page_by_page(cloud: Cloud) -> None:
    for name in ("cy", "ada", "bob", "di"):
        people().add_person(person(name))
    people().add_person(person("doc", Role.DOCTOR))
    found: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = people().people(Role.PATIENT, 3, cursor)
        found += [entry.username for entry in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == ["ada", "bob", "cy", "di"]
    with pytest.raises(InvalidRequestError):
        people().people(Role.PATIENT, 3, "sub-nobody")


def test_a_changed_role_moves_the_person_and_a_lost_race_is_told(cloud: Cloud) -> None:
    read = people().add_person(person("ada"))
    people().replace_person(read.model_copy(update={"role": Role.GP}))
    assert [entry.username for entry in people().people(Role.GP, 10, None).items] == ["ada"]
    assert people().people(Role.PATIENT, 10, None).items == []
    with pytest.raises(ConflictError):
        people().replace_person(read.model_copy(update={"role": Role.ADMIN}))
    assert people().person("sub-ada").role is Role.GP


def test_an_audit_entry_is_never_overwritten(cloud: Cloud) -> None:
    trail = DynamoAuditTrail("audit", REGION)
    entry = AuditEntry(
        entry_id=new_id(),
        at=NOW,
        actor="sub-ada",
        action="model.activate",
        subject="eye/1.0",
        outcome=Outcome.ALLOWED,
        correlation_id="c",
    )
    trail.append(entry)
    with pytest.raises(PutError):
        trail.append(entry.model_copy(update={"actor": "sub-eve"}))
    for found in (
        AuditItem.query("DAY#2026-11-23"),
        AuditItem.gsi1.query("ACTOR#sub-ada"),
        AuditItem.gsi2.query("SUBJECT#eye/1.0"),
    ):
        assert [AuditEntry.model_validate(item.body) for item in found] == [entry]
