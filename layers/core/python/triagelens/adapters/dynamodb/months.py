"""In which months there are records of a kind at all: where lists by month go on, and where they stop."""

from collections.abc import Iterator

from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.ids import is_id, month_of

LAST_ID = "76" + "0" * 24  # ids behind it are of years that have five digits
MONTH = "MONTH#"


class Months:
    """The months of one kind of record, under one key."""

    def __init__(self, pk: str) -> None:
        self._pk = pk
        self._noted: set[str] = set()

    def note(self, identifier: str) -> None:
        """Notes the month of a record about to be made, once per process; again is harmless."""
        month = month_of(identifier)
        if month in self._noted:
            return
        item = CaseworkItem(self._pk, f"{MONTH}{month}")
        item.update(
            [CaseworkItem.kind.set("month"), CaseworkItem.body.set({"month": month})],
            add_version_condition=False,
        )
        self._noted.add(month)

    def behind(self, cursor: str | None) -> Iterator[str]:
        """Months that hold records, the latest first, from that of the cursor on."""
        latest = f"{MONTH}{'999999' if cursor is None else month_of(cursor)}"
        found = CaseworkItem.query(
            self._pk, CaseworkItem.sk.between(MONTH, latest), scan_index_forward=False, consistent_read=True
        )
        for item in found:
            yield item.body["month"]


def check_cursor(cursor: str | None) -> None:
    """Makes sure that a list by id could have given this cursor out.

    Raises:
        InvalidRequestError: it is no id, or of no month.
    """
    if cursor is not None and not (is_id(cursor) and cursor < LAST_ID):
        raise InvalidRequestError("The cursor is not one that this list gave out.")
