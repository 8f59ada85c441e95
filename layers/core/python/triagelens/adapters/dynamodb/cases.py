"""Cases in the casework table, each with its history, comments and labels under one key."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from triagelens.adapters.dynamodb.case_items import (
    COMMENT,
    HISTORY,
    LABEL,
    case_from_item,
    case_item,
    case_pk,
    claim_item,
    comment_item,
    history_item,
    label_item,
    put_share,
    share_item,
)
from triagelens.adapters.dynamodb.case_lists import CaseLists
from triagelens.adapters.dynamodb.case_numbers import put_used
from triagelens.adapters.dynamodb.casework import META, image_pk
from triagelens.adapters.dynamodb.panel_items import count_panel, panel_item, review_item_key
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import not_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import LABELLED, Case, Comment, HistoryEntry, ReaderLabel
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TransitionError,
)
from triagelens.domain.panels import Panel
from triagelens.services.case_ports import WantedCases
from triagelens.services.ports import Page

Record = TypeVar("Record", bound=BaseModel)


class DynamoCases:
    """`services.case_ports.CaseRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)
        self._lists = CaseLists()

    def case(self, case_id: str) -> Case:
        return case_from_item(_item(case_id, META, "There is no such case."))

    def cases(self, wanted: WantedCases, limit: int, cursor: str | None) -> Page[Case]:
        return self._lists.page(wanted, limit, cursor)

    def add_case(self, case: Case, entry: HistoryEntry, panel: Panel | None = None) -> Case:
        self._lists.note_month(case.case_id)
        parts, item = Parts(), case_item(case)
        parts.put(item, ConflictError("There is such a case already."))
        parts.put(history_item(entry), ConflictError("This change was written before."))
        if panel is not None:
            parts.put(panel_item(panel), ConflictError("There is such a case already."))
        _check_patient(parts, case)
        _claim(parts, case, case.image_ids)
        if case.image_owner is not None:
            put_share(parts, case, case.image_owner)
        put_used(parts, case.number, case.owner, case.case_id)
        parts.write(self._connection)
        return case.model_copy(update={"version": item.version})

    def replace_case(self, before: Case, after: Case, entry: HistoryEntry) -> Case:
        outdated = OutdatedError("The case has changed since it was read.")
        parts, item = Parts(), case_item(after)
        held_before = before.image_ids if before.is_undecided else ()
        held_after = after.image_ids if after.is_undecided else ()
        for image_id in held_before:
            if image_id not in held_after:
                mine = CaseworkItem.status == after.case_id
                parts.delete(claim_item(image_id, after.case_id), mine, outdated)
        if after.status not in LABELLED:
            parts.delete(review_item_key(after.case_id), None, outdated)
        if before.image_owner not in (None, after.image_owner):
            parts.delete(
                share_item(before.case_id, str(before.image_owner)), CaseworkItem.pk.exists(), outdated
            )
        parts.put(item, outdated)
        parts.put(history_item(entry), ConflictError("This change was written before."))
        if after.patient_id != before.patient_id:
            _check_patient(parts, after)
        _claim(parts, after, [image_id for image_id in held_after if image_id not in held_before])
        if after.image_owner is not None:
            put_share(parts, after, after.image_owner)
        parts.write(self._connection)
        return after.model_copy(update={"version": item.version})

    def history(self, case_id: str, limit: int, cursor: str | None) -> Page[HistoryEntry]:
        def read(item: CaseworkItem) -> HistoryEntry:
            return HistoryEntry.model_validate(item.body)

        return _page(case_id, HISTORY, limit, cursor, read)

    def comment(self, case_id: str, comment_id: str) -> Comment:
        return _versioned(Comment, _item(case_id, f"{COMMENT}{comment_id}", "There is no such comment."))

    def comments(self, case_id: str, limit: int, cursor: str | None) -> Page[Comment]:
        return _page(case_id, COMMENT, limit, cursor, lambda item: _versioned(Comment, item))

    def write_comment(self, comment: Comment, entry: HistoryEntry) -> Comment:
        parts, item = Parts(), comment_item(comment)
        not_erased(parts, case_pk(comment.case_id), "There is no such case.")
        parts.put(item, ConflictError("The comment has just been edited otherwise; try again."))
        parts.put(history_item(entry), ConflictError("This change was written before."))
        parts.write(self._connection)
        return comment.model_copy(update={"version": item.version})

    def label(self, case_id: str, reader: str) -> ReaderLabel | None:
        try:
            return _versioned(ReaderLabel, _item(case_id, f"{LABEL}{reader}", ""))
        except NotFoundError:
            return None

    def labels(self, case_id: str, limit: int, cursor: str | None) -> Page[ReaderLabel]:
        return _page(case_id, LABEL, limit, cursor, lambda item: _versioned(ReaderLabel, item))

    def write_label(
        self, label: ReaderLabel, before: Panel, after: Panel, entry: HistoryEntry
    ) -> ReaderLabel:
        parts, item = Parts(), label_item(label)
        takes_labels = CaseworkItem.status.is_in(*sorted(LABELLED))
        closed = TransitionError("The case takes no labels any more.")
        again = ConflictError("This case has just been labelled otherwise; try again.")
        parts.check(CaseworkItem, case_pk(label.case_id), META, takes_labels, closed)
        parts.put(item, again)
        parts.put(panel_item(after), again)
        parts.put(history_item(entry), ConflictError("This change was written before."))
        if after.is_complete:
            parts.delete(review_item_key(label.case_id), None, again)
        if after.is_blind and after.is_complete and not before.is_complete:
            count_panel(parts, after)
        parts.write(self._connection)
        return label.model_copy(update={"version": item.version})


def _check_patient(parts: Parts, case: Case) -> None:
    """The patient that the case names is not erased meanwhile."""
    if case.patient_id is not None:
        not_erased(parts, f"PAT#{case.patient_id}", "There is no such patient.")


def _claim(parts: Parts, case: Case, image_ids: tuple[str, ...] | list[str]) -> None:
    """Makes the case the one undecided case of these images."""
    for image_id in image_ids:
        not_erased(parts, image_pk(image_id), "There is no such image.")
        taken = ConflictError(f"Image {image_id} is in another case that is not decided yet.")
        parts.put(claim_item(image_id, case.case_id), taken)


def _item(case_id: str, sk: str, missing: str) -> CaseworkItem:
    try:
        return CaseworkItem.get(case_pk(case_id), sk, consistent_read=True)
    except CaseworkItem.DoesNotExist:
        raise NotFoundError(missing) from None


def _versioned(kind: type[Record], item: CaseworkItem) -> Record:
    return kind.model_validate({**item.body, "version": item.version})


def _page(
    case_id: str, prefix: str, limit: int, cursor: str | None, read: Callable[[CaseworkItem], Record]
) -> Page[Record]:
    """What hangs on a case under one prefix, the latest key first; the cursor is the key behind it."""
    pk, start = case_pk(case_id), None
    if cursor is not None:
        if not cursor or len(cursor) > 128:
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        start = {"pk": {"S": pk}, "sk": {"S": f"{prefix}{cursor}"}}
    found = CaseworkItem.query(
        pk,
        CaseworkItem.sk.startswith(prefix),
        scan_index_forward=False,
        limit=limit,
        page_size=limit,
        last_evaluated_key=start,
        consistent_read=True,
    )
    items = list(found)
    more = found.last_evaluated_key is not None and items
    return Page([read(item) for item in items], items[-1].sk.removeprefix(prefix) if more else None)
