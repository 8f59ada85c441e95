"""Erasures in the audit table: opaque ids only, added and never touched again.

They lie there so that a restore of the casework table does not lose them, and can be replayed after it.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.patients import bury_patient
from triagelens.adapters.dynamodb.tables import AuditItem, CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.erasures import Begun, Outcome, Receipt, Scope
from triagelens.domain.errors import NotFoundError, OutdatedError
from triagelens.domain.ids import new_id
from triagelens.domain.patients import Patient
from triagelens.services.ports import Page

ALL = "ERASURES"
ACCOUNT = "ACCOUNT"
SCOPE = "SCOPE#"
DONE = "DONE"
SWEPT = "SWEPT"
MOST_IDS = 5000  # of 26 characters each, in an item of at most 400 KB


class DynamoErasures:
    """`services.erasure_ports.ErasureRecords` on DynamoDB."""

    def __init__(self, audit_table: str, casework_table: str, region: str) -> None:
        bind(AuditItem, audit_table, region)
        bind(CaseworkItem, casework_table, region)
        self._connection = transaction_connection(region)

    def begin(self, begun: Begun, patient: Patient) -> None:
        parts = Parts()
        bury_patient(parts, patient, begun.erasure_id, begun.begun_at)
        item = _item(ALL, begun.erasure_id, begun.model_dump(mode="json"))
        parts.put(item, OutdatedError("There is such an erasure already."), AuditItem.pk.does_not_exist())
        parts.write(self._connection)

    def receipt(self, erasure_id: str) -> Receipt:
        try:
            item = AuditItem.get(ALL, erasure_id, consistent_read=True)
        except AuditItem.DoesNotExist:
            raise NotFoundError("There is no such erasure.") from None
        return _receipt(item)

    def receipts(self, limit: int, cursor: str | None) -> Page[Receipt]:
        check_cursor(cursor)
        behind = None if cursor is None else AuditItem.sk < cursor
        found = list(
            islice(AuditItem.query(ALL, behind, scan_index_forward=False, limit=limit + 1), limit + 1)
        )
        shown = [_receipt(item) for item in found[:limit]]
        return Page(shown, shown[-1].begun.erasure_id if len(found) > limit else None)

    def since(self, erasure_id: str) -> Iterator[Receipt]:
        for item in AuditItem.query(ALL, AuditItem.sk >= erasure_id, consistent_read=True):
            yield _receipt(item)

    def account(self, erasure_id: str) -> str | None:
        try:
            item = AuditItem.get(_pk(erasure_id), ACCOUNT, consistent_read=True)
        except AuditItem.DoesNotExist:
            return None
        return str(item.body["sub"])

    def note_account(self, erasure_id: str, sub: str) -> None:
        _add(_item(_pk(erasure_id), ACCOUNT, {"sub": sub}))

    def scope(self, erasure_id: str) -> Scope:
        found = Scope()
        for item in AuditItem.query(_pk(erasure_id), AuditItem.sk.startswith(SCOPE), consistent_read=True):
            found |= Scope.model_validate(item.body)
        return found

    def note_scope(self, erasure_id: str, more: Scope) -> None:
        named = [(name, one) for name in Scope.model_fields for one in sorted(getattr(more, name))]
        for start in range(0, len(named), MOST_IDS):
            part: dict[str, list[str]] = {}
            for name, one in named[start : start + MOST_IDS]:
                part.setdefault(name, []).append(one)
            _add(_item(_pk(erasure_id), f"{SCOPE}{new_id()}", part))

    def complete(self, erasure_id: str, outcome: Outcome, *, sweep: bool) -> None:
        _add(_item(_pk(erasure_id), SWEPT if sweep else DONE, outcome.model_dump(mode="json")))


def _pk(erasure_id: str) -> str:
    return f"ERASURE#{erasure_id}"


def _item(pk: str, sk: str, body: Mapping[str, Any]) -> AuditItem:
    return AuditItem(pk, sk, kind="erasure", body=body)


def _add(item: AuditItem) -> None:
    """Writes the item unless there is one of that key, which then stays."""
    try:
        item.save(condition=AuditItem.pk.does_not_exist())
    except PutError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise


def _receipt(item: AuditItem) -> Receipt:
    begun = Begun.model_validate(item.body)
    keys = [(_pk(begun.erasure_id), DONE), (_pk(begun.erasure_id), SWEPT)]
    passes = {
        found.sk: Outcome.model_validate(found.body)
        for found in AuditItem.batch_get(keys, consistent_read=True)
    }
    return Receipt(begun=begun, done=passes.get(DONE), swept=passes.get(SWEPT))
