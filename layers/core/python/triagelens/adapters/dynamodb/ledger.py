"""The split ledger in the registry table: one partition a specialty, whose head counts the writes."""

import secrets
from collections.abc import Sequence

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import RegistryItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.ledger import LedgerEntry
from triagelens.services.snapshot_ports import LedgerState

LEDGER = "LEDGER"
KEY = "KEY"
HEAD = "HEAD"
ENTRY = "NAME#"
TRIES = 10


class DynamoLedgers:
    """`services.snapshot_ports.Ledgers` on DynamoDB.

    Every write raises the head's version over the one that was read, so writers come one after the
    other; each entry besides is written over its own version only, and a new one where there is none.
    """

    most_entries = 90  # DynamoDB takes 100 items in a transaction

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)
        self._connection = transaction_connection(region)

    def key(self) -> str:
        item = RegistryItem(LEDGER, KEY, kind="ledger_key", body={"key": secrets.token_hex(32)})
        try:
            stored = RegistryItem.get(LEDGER, KEY, consistent_read=True)
        except RegistryItem.DoesNotExist:
            try:
                item.save()
            except PutError as error:
                if error.cause_response_code != "ConditionalCheckFailedException":
                    raise
            stored = RegistryItem.get(LEDGER, KEY, consistent_read=True)
        key: str = stored.body["key"]
        return key

    def read(self, specialty: str) -> LedgerState:
        """The whole partition. Written to while it is read, it is read again."""
        for _ in range(TRIES):
            before = self._revision(specialty)
            found = RegistryItem.query(
                _pk(specialty), RegistryItem.sk.startswith(ENTRY), consistent_read=True
            )
            entries = [LedgerEntry.model_validate({**item.body, "version": item.version}) for item in found]
            if self._revision(specialty) == before:
                return LedgerState(before, entries)
        raise UnavailableError("The ledger never stops changing.", retry_after_s=60)

    def write(self, specialty: str, revision: int, entries: Sequence[LedgerEntry]) -> int:
        moved = ConflictError("Somebody else has written to the ledger.")
        parts = Parts()
        head = RegistryItem(_pk(specialty), HEAD, kind="ledger_head", body={}, version=revision or None)
        parts.put(head, moved)
        for entry in entries:
            item = RegistryItem(
                _pk(specialty),
                f"{ENTRY}{entry.name}",
                kind="ledger_entry",
                body=entry.model_dump(mode="json", exclude={"version"}, exclude_none=True),
                version=entry.version,
            )
            parts.put(item, moved)
        parts.write(self._connection)
        return revision + 1

    def _revision(self, specialty: str) -> int:
        try:
            head = RegistryItem.get(_pk(specialty), HEAD, consistent_read=True)
        except RegistryItem.DoesNotExist:
            return 0
        return int(head.version)


def _pk(specialty: str) -> str:
    return f"{LEDGER}#{specialty}"
