"""Annotations and forms in the casework table, beside their case."""

from typing import TYPE_CHECKING, Any

from triagelens.adapters.dynamodb.case_items import case_pk, history_item
from triagelens.adapters.dynamodb.casework import META
from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.annotations import Annotation
from triagelens.domain.cases import LABELLED, UNDECIDED, CaseStatus, HistoryEntry
from triagelens.domain.errors import ConflictError, NotFoundError, OutdatedError, TransitionError
from triagelens.domain.forms import PatientForm
from triagelens.services.ports import Page

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition

ANNOTATION = "ANN#"
# Former revisions, apart from the latest, so that the list of these reads nothing else.
REVISION = "REV#"
FORM = "FORM"


class DynamoAnnotations:
    """`services.annotation_ports.AnnotationRecords` and `FormRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)

    def annotation(self, case_id: str, annotation_id: str, revision: int | None = None) -> Annotation:
        key = _latest(annotation_id) if revision is None else _revision(annotation_id, revision)
        try:
            item = CaseworkItem.get(case_pk(case_id), key, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("There is no such annotation.") from None
        return Annotation.model_validate(item.body)

    def annotations(self, case_id: str, limit: int, cursor: str | None) -> Page[Annotation]:
        check_cursor(cursor)
        keys: Condition = CaseworkItem.sk.startswith(ANNOTATION)
        if cursor is not None:
            keys = CaseworkItem.sk.between(ANNOTATION, _latest(cursor))
        query = CaseworkItem.query(case_pk(case_id), keys, scan_index_forward=False, consistent_read=True)
        found: list[Annotation] = []
        for item in query:
            if item.sk != (None if cursor is None else _latest(cursor)):
                found.append(Annotation.model_validate(item.body))
            if len(found) > limit:
                break
        shown = found[:limit]
        return Page(shown, shown[-1].annotation_id if len(found) > limit else None)

    def write(self, annotation: Annotation, entry: HistoryEntry) -> None:
        body = annotation.model_dump(mode="json")
        pk, parts = case_pk(annotation.case_id), Parts()
        outdated = OutdatedError("The annotation has changed since it was read.")
        _check_case(parts, annotation.case_id, LABELLED, "The case was rejected.")
        before = annotation.revision - 1 or None
        parts.put(
            CaseworkItem(pk, _latest(annotation.annotation_id), kind="annotation", body=body, version=before),
            outdated,
        )
        key = _revision(annotation.annotation_id, annotation.revision)
        parts.put(CaseworkItem(pk, key, kind="annotation_revision", body=body), outdated)
        parts.put(history_item(entry), ConflictError("This change was written before."))
        parts.write(self._connection)

    def form(self, case_id: str) -> PatientForm | None:
        try:
            item = CaseworkItem.get(case_pk(case_id), FORM, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            return None
        return PatientForm.model_validate({**item.body, "version": item.version})

    def write_form(self, form: PatientForm, entry: HistoryEntry) -> PatientForm:
        body: dict[str, Any] = form.model_dump(mode="json", exclude={"version"})
        item = CaseworkItem(case_pk(form.case_id), FORM, kind="form", body=body, version=form.version)
        parts = Parts()
        _check_case(parts, form.case_id, UNDECIDED, "The case was decided.")
        parts.put(item, OutdatedError("The form has changed since it was read."))
        parts.put(history_item(entry), ConflictError("This change was written before."))
        parts.write(self._connection)
        return form.model_copy(update={"version": item.version})


def _check_case(parts: Parts, case_id: str, statuses: frozenset[CaseStatus], closed: str) -> None:
    """The case has to have one of these statuses when the rest is written."""
    as_it_is = CaseworkItem.status.is_in(*sorted(statuses))
    parts.check(CaseworkItem, case_pk(case_id), META, as_it_is, TransitionError(closed))


def _latest(annotation_id: str) -> str:
    return f"{ANNOTATION}{annotation_id}"


def _revision(annotation_id: str, revision: int) -> str:
    return f"{REVISION}{annotation_id}#{revision:06d}"
