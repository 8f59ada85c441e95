"""The review queue in the casework table: one item beside each waiting case, sorted by three indexes."""

import re
from collections.abc import Sequence
from typing import Any

from triagelens.adapters.dynamodb.case_items import CLAIM, case_from_item, case_pk
from triagelens.adapters.dynamodb.casework import META, image_from_item, image_pk
from triagelens.adapters.dynamodb.panel_items import PANEL, REVIEW, review_item_key
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import is_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import Case
from triagelens.domain.errors import ConflictError, InvalidRequestError
from triagelens.domain.ids import ULID_PATTERN
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import Prediction
from triagelens.domain.review import ReviewItem, Strategy
from triagelens.services.ports import Page

# A figure below 10 with as many digits for all, so that keys sort as figures do.
_KEY = re.compile(rf"\d\.\d{{6}}#{ULID_PATTERN.pattern}")
_INDEXES = {Strategy.MARGIN: "1", Strategy.ENTROPY: "2", Strategy.LEAST_CONFIDENCE: "3"}


class ReviewChangedError(ConflictError):
    """Case or panel are no longer as they were read."""


class DynamoReview:
    """`services.review_ports.ReviewRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)

    def undecided_case_of(self, image_id: str) -> str | None:
        try:
            return str(CaseworkItem.get(image_pk(image_id), CLAIM, consistent_read=True).status)
        except CaseworkItem.DoesNotExist:
            return None

    def findings(self, image_ids: Sequence[str]) -> list[tuple[str, Prediction]]:
        images = [image_from_item(item) for item in _all([(image_pk(i), META) for i in image_ids])]
        analysed = [image for image in images if image.status is ImageStatus.ANALYZED]
        results = _all([_result_key(image) for image in analysed])
        full = {str(item.pk): Prediction.model_validate(item.body) for item in results}
        found = [(image.image_id, full.get(image_pk(image.image_id), image.prediction)) for image in analysed]
        told = [(image_id, finding) for image_id, finding in found if finding is not None]
        return sorted(told, key=lambda entry: entry[0])

    def place(self, case: Case, panel: Panel, item: ReviewItem | None) -> bool:
        changed = ReviewChangedError("The case has changed since it was read.")
        pk, parts = case_pk(case.case_id), Parts()
        parts.check(CaseworkItem, pk, META, CaseworkItem.version == case.version, changed)
        unread = CaseworkItem.pk.does_not_exist()
        as_read = unread if panel.version is None else CaseworkItem.version == panel.version
        parts.check(CaseworkItem, pk, PANEL, as_read, changed)
        if item is None:
            parts.delete(review_item_key(case.case_id), None, changed)
        else:
            parts.update(review_item_key(case.case_id), _actions(item), changed)
        try:
            parts.write(self._connection)
        except ReviewChangedError:
            return False
        return True

    def first(self, specialty: str, strategy: Strategy, limit: int, cursor: str | None) -> Page[ReviewItem]:
        if cursor is not None and _KEY.fullmatch(cursor) is None:
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        order = Strategy.MARGIN if strategy is Strategy.DIVERSE else strategy
        number = _INDEXES[order]
        index, key = getattr(CaseworkItem, f"gsi{number}"), f"gsi{number}sk"
        falling = order is Strategy.ENTROPY
        behind = None
        if cursor is not None:
            sort_key = getattr(CaseworkItem, key)
            behind = sort_key < cursor if falling else sort_key > cursor
        query = index.query(
            _partition(specialty, order),
            behind,
            scan_index_forward=not falling,
            limit=limit,
            page_size=limit,
        )
        items = list(query)
        more = query.last_evaluated_key is not None and items
        return Page(
            [ReviewItem.model_validate(item.body) for item in items],
            str(getattr(items[-1], key)) if more else None,
        )

    def cases(self, case_ids: Sequence[str]) -> dict[str, Case]:
        cases = [case_from_item(item) for item in _all([(case_pk(case_id), META) for case_id in case_ids])]
        return {case.case_id: case for case in cases}


def review_attributes(item: ReviewItem) -> dict[str, Any]:
    """What the stored item holds beside its key."""
    attributes: dict[str, Any] = {"kind": "review", "body": item.model_dump(mode="json")}
    for order, number in _INDEXES.items():
        attributes[f"gsi{number}pk"] = _partition(item.specialty, order)
        attributes[f"gsi{number}sk"] = f"{item.score(order):.6f}#{item.case_id}"
    return attributes


def _actions(item: ReviewItem) -> list[Any]:
    return [getattr(CaseworkItem, name).set(value) for name, value in review_attributes(item).items()]


def _partition(specialty: str, order: Strategy) -> str:
    return f"{REVIEW}#{specialty}#{order}"


def _result_key(image: ImageRecord) -> tuple[str, str]:
    return image_pk(image.image_id), f"RESULT#{image.object_version}"


def _all(keys: Sequence[tuple[str, str]]) -> list[CaseworkItem]:
    """The items of these keys that there are and that were not erased, read consistently."""
    found = CaseworkItem.batch_get(keys, consistent_read=True) if keys else ()
    return [item for item in found if not is_erased(item)]
