"""The casework table's stream, as states of records to be counted."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pynamodb.exceptions import AttributeDeserializationError

from triagelens.adapters.dynamodb.case_items import case_from_item
from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.patients import patient_from_item
from triagelens.adapters.dynamodb.reports import report_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tombstones import is_erased
from triagelens.domain.statistics import (
    Counted,
    facets_of_case,
    facets_of_image,
    facets_of_patient,
    facets_of_report,
)

# What is counted, by the beginning of its key.
_FACETS: Mapping[str, Callable[[CaseworkItem], frozenset[str]]] = {
    "IMG": lambda item: facets_of_image(image_from_item(item)),
    "CASE": lambda item: facets_of_case(case_from_item(item)),
    "PAT": lambda item: facets_of_patient(patient_from_item(item)),
    "REPORT": lambda item: facets_of_report(report_from_item(item)),
}


class UnreadableRecordError(ValueError):
    """A stream record that holds no record of ours. Says nothing of what is in it."""


def state_after(record: dict[str, Any]) -> Counted | None:
    """The state of an image, a case, a patient or a report after a change; None for everything else.

    Raises:
        UnreadableRecordError: it is said to be one of them, and is not.
    """
    change = record["dynamodb"]
    pk, sk = change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"]
    facets_of = _FACETS.get(pk.partition("#")[0])
    if sk != META or facets_of is None:
        return None
    if "NewImage" not in change:
        return Counted.gone(pk)
    try:
        item = CaseworkItem.from_raw_data(change["NewImage"])
        if is_erased(item):
            return Counted.gone(pk)
        facets = facets_of(item)
    except (AttributeDeserializationError, ValidationError) as error:
        raise UnreadableRecordError(type(error).__name__) from error
    return Counted(record=pk, version=int(item.version), facets=facets)
