"""The casework table's stream, as changes of records."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pynamodb.exceptions import AttributeDeserializationError

from triagelens.adapters.dynamodb.case_items import case_from_item
from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.reports import report_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.services.publishing import CaseChange, Change, ImageChange, ReportChange


@dataclass(frozen=True)
class Unreadable:
    """A stream record that holds no record of ours: `raw` as it came, and the `cause`'s name."""

    raw: dict[str, Any]
    cause: str


def record_changes(records: Iterable[dict[str, Any]]) -> tuple[list[Change], list[Unreadable]]:
    """The changes of images, cases and reports in a stream's records, and the records that cannot be read.

    Deletions and other kinds are left out. One record that cannot be read keeps no other back.
    """
    changes: list[Change] = []
    unreadable: list[Unreadable] = []
    for record in records:
        try:
            change = _change(record["dynamodb"])
        except (AttributeDeserializationError, ValidationError) as error:
            unreadable.append(Unreadable(record, type(error).__name__))
        else:
            changes += [] if change is None else [change]
    return changes, unreadable


def _change(images: dict[str, Any]) -> Change | None:
    position, after = images["SequenceNumber"], _item(images.get("NewImage"))
    before = _item(images.get("OldImage"))
    if after is None or after.sk != META:
        return None
    if after.kind == "image":
        earlier = None if before is None else image_from_item(before)
        return ImageChange(position, earlier, image_from_item(after))
    if after.kind == "case":
        former = None if before is None else case_from_item(before)
        return CaseChange(position, former, case_from_item(after))
    if after.kind == "report":
        requested = None if before is None else report_from_item(before)
        return ReportChange(position, requested, report_from_item(after))
    return None


def _item(raw: dict[str, Any] | None) -> CaseworkItem | None:
    return None if raw is None else CaseworkItem.from_raw_data(raw)
