"""Links and seals of the audit trail, beside its entries in the same table.

    CHAIN#day / 000000001     a link, with a copy of its entry
    ENTRY#id  / LINKED        says that an entry has its link
    CHAINS    / day           says that a day has links
    SEALS     / day           a closed day

Every item is written once, on condition that it is not there.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from triagelens.adapters.dynamodb.tables import AuditItem, bind, transaction_connection
from triagelens.domain.audit_chain import Link, Seal
from triagelens.domain.errors import ConflictError

SEALS, CHAINS, LINKED = "SEALS", "CHAINS", "LINKED"
NOT_THERE = AuditItem.pk.does_not_exist()


class DynamoChain:
    """`services.audit_ports.ChainRecords`."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(AuditItem, table_name, region)
        self._connection = transaction_connection(region)

    def last_link(self, day: date) -> Link | None:
        newest = AuditItem.query(_chain(day), limit=1, scan_index_forward=False, consistent_read=True)
        return next((Link.model_validate(item.body) for item in newest), None)

    def linked(self, entry_ids: Iterable[str]) -> set[str]:
        keys = [(f"ENTRY#{entry_id}", LINKED) for entry_id in dict.fromkeys(entry_ids)]
        return {item.pk.removeprefix("ENTRY#") for item in AuditItem.batch_get(keys, consistent_read=True)}

    def add_links(self, day: date, links: Sequence[Link]) -> None:
        try:
            with TransactWrite(connection=self._connection) as write:
                write.condition_check(AuditItem, SEALS, day.isoformat(), condition=NOT_THERE)
                if links[0].number == 1:
                    begun = AuditItem(CHAINS, day.isoformat(), kind="day", body={})
                    write.save(begun, condition=NOT_THERE)
                for link in links:
                    body = link.model_dump(mode="json")
                    place = AuditItem(_chain(day), _place(link.number), kind="link", body=body)
                    write.save(place, condition=NOT_THERE)
                    mark = AuditItem(f"ENTRY#{link.entry['entry_id']}", LINKED, kind="linked", body={})
                    write.save(mark, condition=NOT_THERE)
        except TransactWriteError as error:
            raise _conflict(error) from error

    def links(self, day: date) -> list[Link]:
        found = AuditItem.query(_chain(day), consistent_read=True)
        return [Link.model_validate(item.body) for item in found]

    def first_day(self) -> date | None:
        found = AuditItem.query(CHAINS, limit=1, consistent_read=True)
        return next((date.fromisoformat(item.sk) for item in found), None)

    def last_seal(self) -> Seal | None:
        newest = AuditItem.query(SEALS, limit=1, scan_index_forward=False, consistent_read=True)
        return next((seal_of(item) for item in newest), None)

    def add_seal(self, seal: Seal) -> None:
        """The place after the last link has to be empty, and stays so: links look for the seal."""
        day, count = seal.head.day, seal.head.count
        item = AuditItem(SEALS, day.isoformat(), kind="seal", body=seal.model_dump(mode="json"))
        try:
            with TransactWrite(connection=self._connection) as write:
                write.condition_check(AuditItem, _chain(day), _place(count + 1), condition=NOT_THERE)
                write.save(item, condition=NOT_THERE)
        except TransactWriteError as error:
            raise _conflict(error) from error


def seal_of(item: AuditItem) -> Seal:
    return Seal.model_validate(item.body)


def _chain(day: date) -> str:
    return f"CHAIN#{day.isoformat()}"


def _place(number: int) -> str:
    return f"{number:09}"


def _conflict(error: TransactWriteError) -> Exception:
    causes = {reason.code for reason in error.cancellation_reasons if reason is not None}
    if causes & {"ConditionalCheckFailed", "TransactionConflict"}:
        return ConflictError("The chain has changed since it was read.")
    return error
