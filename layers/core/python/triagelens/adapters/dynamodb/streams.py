"""The casework table's stream, as changes of records."""

from typing import Any

from triagelens.adapters.dynamodb.case_items import case_from_item
from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.services.publishing import CaseChange, Change, ImageChange


def record_changes(event: dict[str, Any]) -> list[Change]:
    """The changes of images and cases in a Lambda stream event; deletions and other kinds are left out."""
    changes = (_change(record["dynamodb"]) for record in event["Records"])
    return [change for change in changes if change is not None]


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
    return None


def _item(raw: dict[str, Any] | None) -> CaseworkItem | None:
    return None if raw is None else CaseworkItem.from_raw_data(raw)
