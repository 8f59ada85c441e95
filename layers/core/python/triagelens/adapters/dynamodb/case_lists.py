"""Lists of cases, newest first, out of many small partitions of the indexes.

Each partition holds the cases of one specialty and one status: of one person (first index), or of one
month (second index). A list merges the partitions it wants by id, which is a ULID; the cursor is the
last id that was shown, so every partition goes on right behind it, and nothing is ever filtered.
"""

from collections.abc import Iterator
from itertools import islice

from triagelens.adapters.dynamodb.case_items import (
    case_from_item,
    month_partition,
    own_partition,
)
from triagelens.adapters.dynamodb.casework import META
from triagelens.adapters.dynamodb.months import Months, check_cursor
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tombstones import is_erased
from triagelens.domain.cases import Case
from triagelens.services.case_ports import WantedCases
from triagelens.services.ports import Page

MONTHS = "CASES"


class CaseLists:
    """Reads lists, and remembers in which months there are cases at all."""

    def __init__(self) -> None:
        self._months = Months(MONTHS)

    def note_month(self, case_id: str) -> None:
        """Notes the month of a case about to be made."""
        self._months.note(case_id)

    def page(self, wanted: WantedCases, limit: int, cursor: str | None) -> Page[Case]:
        check_cursor(cursor)
        found = list(islice(_cases(wanted, self._months, limit + 1, cursor), limit + 1))
        items = found[:limit]
        return Page(items, items[-1].case_id if len(found) > limit else None)


def _cases(wanted: WantedCases, months: Months, most: int, cursor: str | None) -> Iterator[Case]:
    """The wanted cases behind the cursor, newest first; of each partition `most` items are read at most."""
    kinds = [(name, status) for name in sorted(wanted.specialties) for status in sorted(wanted.statuses)]
    if wanted.person is not None:
        partitions = [own_partition(wanted.person, name, status) for name, status in kinds]
        yield from _merged([_of_person(partition, most, cursor) for partition in partitions])
        return
    for month in months.behind(cursor) if kinds else ():
        partitions = [month_partition(name, status, month) for name, status in kinds]
        yield from _merged([_of_month(partition, most, cursor) for partition in partitions])


def _merged(parts: list[list[CaseworkItem]]) -> Iterator[Case]:
    """Cases of all parts, the latest id first, each once though an index may show it in two for a moment."""
    found = {str(item.pk): item for part in parts for item in part}
    for pk in sorted(found, reverse=True):
        item = found[pk]
        if item.sk == META:
            yield case_from_item(item)
        else:  # a share: the case itself lies beside it
            shared = CaseworkItem.get(pk, META, consistent_read=True)
            if not is_erased(shared):
                yield case_from_item(shared)


def _of_person(partition: str, most: int, cursor: str | None) -> list[CaseworkItem]:
    behind = None if cursor is None else CaseworkItem.gsi1sk < cursor
    return list(
        CaseworkItem.gsi1.query(partition, behind, scan_index_forward=False, limit=most, page_size=most)
    )


def _of_month(partition: str, most: int, cursor: str | None) -> list[CaseworkItem]:
    behind = None if cursor is None else CaseworkItem.gsi2sk < cursor
    return list(
        CaseworkItem.gsi2.query(partition, behind, scan_index_forward=False, limit=most, page_size=most)
    )
