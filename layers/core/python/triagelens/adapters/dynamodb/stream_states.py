"""The casework table's stream, as states of records to be counted."""

from typing import Any

from pydantic import ValidationError
from pynamodb.exceptions import AttributeDeserializationError

from triagelens.adapters.dynamodb.case_items import case_from_item
from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tombstones import is_erased
from triagelens.domain.statistics import Counted, facets_of_case, facets_of_image


class UnreadableRecordError(ValueError):
    """A stream record that holds no record of ours. Says nothing of what is in it."""


def state_after(record: dict[str, Any]) -> Counted | None:
    """The state of an image or a case after a change; None for everything else.

    Raises:
        UnreadableRecordError: it is said to be an image or a case, and is not one.
    """
    change = record["dynamodb"]
    pk, sk = change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"]
    if sk != META or not pk.startswith(("IMG#", "CASE#")):
        return None
    if "NewImage" not in change:
        return Counted.gone(pk)
    try:
        item = CaseworkItem.from_raw_data(change["NewImage"])
        if is_erased(item):
            return Counted.gone(pk)
        facets = (
            facets_of_image(image_from_item(item))
            if item.kind == "image"
            else facets_of_case(case_from_item(item))
        )
    except (AttributeDeserializationError, ValidationError) as error:
        raise UnreadableRecordError(type(error).__name__) from error
    return Counted(record=pk, version=int(item.version), facets=facets)
