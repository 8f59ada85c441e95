"""The audit trail in its own table."""

from datetime import date
from typing import Any

from triagelens.adapters.dynamodb.audit_chain import SEALS, seal_of
from triagelens.adapters.dynamodb.tables import AuditItem, bind
from triagelens.domain.audit import NOTHING, AuditEntry
from triagelens.domain.audit_chain import Seal
from triagelens.domain.errors import InvalidRequestError, NotFoundError
from triagelens.domain.ids import is_id
from triagelens.services.audit_ports import Question
from triagelens.services.ports import Page

CURSOR_TEXT = "The cursor is not one that this list gave out."


def day_pk(day: date) -> str:
    return f"DAY#{day:%Y-%m-%d}"


class DynamoAuditTrail:
    """`services.identity_ports.AuditTrail`: entries are added, and never touched again."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(AuditItem, table_name, region)

    def append(self, entry: AuditEntry) -> None:
        about_something = entry.subject != NOTHING
        item = AuditItem(
            day_pk(entry.at.date()),
            entry.entry_id,
            kind="audit",
            body=entry.model_dump(mode="json"),
            gsi1pk=f"ACTOR#{entry.actor}",
            gsi1sk=entry.entry_id,
            gsi2pk=f"SUBJECT#{entry.subject}" if about_something else None,
            gsi2sk=entry.entry_id if about_something else None,
        )
        item.save(condition=AuditItem.pk.does_not_exist())


class DynamoAuditReader:
    """`services.audit_ports.AuditReader`. A cursor is the day and the id of the last entry shown."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(AuditItem, table_name, region)

    def entries(self, question: Question, limit: int, cursor: str | None) -> Page[AuditEntry]:
        found = self._query(question, limit, None if cursor is None else _start(question, cursor))
        items = list(found)
        more = found.last_evaluated_key is not None and items
        last = f"{items[-1].pk.removeprefix('DAY#')}:{items[-1].sk}" if more else None
        return Page([AuditEntry.model_validate(item.body) for item in items], last)

    def seals(self, limit: int, cursor: str | None) -> Page[Seal]:
        start = None if cursor is None else {"pk": {"S": SEALS}, "sk": {"S": _day(cursor).isoformat()}}
        found = AuditItem.query(
            SEALS, limit=limit, page_size=limit, scan_index_forward=False, last_evaluated_key=start
        )
        seals = [seal_of(item) for item in found]
        more = found.last_evaluated_key is not None and seals
        return Page(seals, seals[-1].head.day.isoformat() if more else None)

    def seal(self, day: date) -> Seal:
        found = list(AuditItem.query(SEALS, AuditItem.sk == day.isoformat(), consistent_read=True))
        if not found:
            raise NotFoundError("There is no closed day of that date.")
        return seal_of(found[0])

    @staticmethod
    def _query(question: Question, limit: int, start: dict[str, Any] | None) -> Any:
        options: dict[str, Any] = {
            "limit": limit,
            "page_size": limit,
            "scan_index_forward": False,
            "last_evaluated_key": start,
        }
        if question.actor is not None:
            return AuditItem.gsi1.query(f"ACTOR#{question.actor}", **options)
        if question.subject is not None:
            return AuditItem.gsi2.query(f"SUBJECT#{question.subject}", **options)
        if question.day is not None:
            return AuditItem.query(day_pk(question.day), **options)
        raise ValueError("a question needs a day, an actor or a subject")


def _start(question: Question, cursor: str) -> dict[str, Any]:
    """Where a list goes on. Any well-formed cursor only ever leads on in the list that was asked for."""
    day, _, entry_id = cursor.partition(":")
    if not is_id(entry_id) or question.day not in (None, _day(day)):
        raise InvalidRequestError(CURSOR_TEXT)
    start = {"pk": {"S": day_pk(_day(day))}, "sk": {"S": entry_id}}
    if question.actor is not None:
        start |= {"gsi1pk": {"S": f"ACTOR#{question.actor}"}, "gsi1sk": {"S": entry_id}}
    elif question.subject is not None:
        start |= {"gsi2pk": {"S": f"SUBJECT#{question.subject}"}, "gsi2sk": {"S": entry_id}}
    return start


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError(CURSOR_TEXT) from None
