"""The casework table's stream, as changes of records."""

from typing import Any

from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.images import ImageRecord
from triagelens.services.publishing import ImageChange


def image_changes(event: dict[str, Any]) -> list[ImageChange]:
    """The changes of image records in a Lambda stream event; deletions and other kinds are left out."""
    changes = []
    for record in event["Records"]:
        images = record["dynamodb"]
        after = _image(images.get("NewImage"))
        if after is not None:
            before = _image(images.get("OldImage"))
            changes.append(ImageChange(position=images["SequenceNumber"], before=before, after=after))
    return changes


def _image(raw: dict[str, Any] | None) -> ImageRecord | None:
    if raw is None or raw["kind"]["S"] != "image" or raw["sk"]["S"] != META:
        return None
    return image_from_item(CaseworkItem.from_raw_data(raw))
