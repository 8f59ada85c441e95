"""Tombstones: what lies in the place of a patient, an image or a case that was erased.

The record is replaced and not deleted, so that its version goes on: whoever read it before loses
against the tombstone. Whoever writes something that hangs on a record without changing the record
itself lets `not_erased` be part of the transaction.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ErasedError, NotFoundError

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition

META = "META"
ERASED = "erased"


def is_erased(item: CaseworkItem) -> bool:
    return bool(item.kind == ERASED)


def check_not_erased(item: CaseworkItem, missing: str) -> None:
    """Raises ErasedError, in the words for what is missing, if the item is a tombstone."""
    if is_erased(item):
        raise ErasedError(missing, item.body["erasure_id"])


def not_erased(parts: Parts, pk: str, missing: str) -> None:
    """Makes a transaction fail with NotFoundError if the record of that key has been erased."""
    there: Condition = CaseworkItem.pk.does_not_exist() | (CaseworkItem.kind != ERASED)
    parts.check(CaseworkItem, pk, META, there, NotFoundError(missing))


def tombstone(pk: str, version: int | None, erasure_id: str, at: datetime) -> CaseworkItem:
    """What takes the place of the record of that version. No index lists it."""
    body = {"erasure_id": erasure_id, "at": at.isoformat()}
    return CaseworkItem(pk, META, kind=ERASED, status=ERASED, body=body, version=version)


def bury(pk: str, erasure_id: str, at: datetime) -> None:
    """Puts a tombstone in the place of a record, if there is one and it has none yet."""
    while True:
        try:
            item = CaseworkItem.get(pk, META, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            return
        if is_erased(item):
            return
        try:
            tombstone(pk, item.version, erasure_id, at).save()
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            continue  # somebody has just changed it; what they wrote is buried next
        return
