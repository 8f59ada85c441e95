"""Items of a case: its record, what hangs on it, the images it claims, and who shares it."""

from triagelens.adapters.dynamodb.casework import META, image_pk
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tombstones import check_not_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import Case, CaseStatus, Comment, HistoryEntry, ReaderLabel
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import month_of

CASE = "CASE"
HISTORY = "HIST#"
COMMENT = "COMMENT#"
LABEL = "LABEL#"
SHARE = "SHARE#"
CLAIM = "CASE"


def case_pk(case_id: str) -> str:
    return f"{CASE}#{case_id}"


def own_partition(person: str, specialty: str, status: CaseStatus) -> str:
    """Where a person's cases of one specialty and status are listed (first index)."""
    return f"OWNER#{person}#{CASE}#{specialty}#{status}"


def month_partition(specialty: str, status: CaseStatus, month: str) -> str:
    """Where all cases of one specialty, status and month are listed (second index)."""
    return f"{CASE}#{specialty}#{status}#{month}"


def case_item(case: Case) -> CaseworkItem:
    return CaseworkItem(
        case_pk(case.case_id),
        META,
        kind="case",
        status=str(case.status),
        body=case.model_dump(mode="json", exclude={"version"}),
        gsi1pk=own_partition(case.owner, case.specialty, case.status),
        gsi1sk=case.case_id,
        gsi2pk=month_partition(case.specialty, case.status, month_of(case.case_id)),
        gsi2sk=case.case_id,
        gsi3pk=f"PAT#{case.patient_id}#{CASE}" if case.patient_id else None,
        gsi3sk=case.case_id if case.patient_id else None,
        version=case.version,
    )


def case_from_item(item: CaseworkItem) -> Case:
    """The case that an item holds. Raises ErasedError for a tombstone."""
    check_not_erased(item, "There is no such case.")
    return Case.model_validate({**item.body, "version": item.version})


def history_item(entry: HistoryEntry) -> CaseworkItem:
    return CaseworkItem(
        case_pk(entry.case_id),
        f"{HISTORY}{entry.entry_id}",
        kind="case_history",
        body=entry.model_dump(mode="json"),
    )


def comment_item(comment: Comment) -> CaseworkItem:
    return CaseworkItem(
        case_pk(comment.case_id),
        f"{COMMENT}{comment.comment_id}",
        kind="comment",
        body=comment.model_dump(mode="json", exclude={"version"}),
        version=comment.version,
    )


def label_item(label: ReaderLabel) -> CaseworkItem:
    return CaseworkItem(
        case_pk(label.case_id),
        f"{LABEL}{label.reader}",
        kind="label",
        body=label.model_dump(mode="json", exclude={"version"}),
        version=label.version,
    )


def claim_item(image_id: str, case_id: str) -> CaseworkItem:
    """Says which undecided case an image is in."""
    return CaseworkItem(
        image_pk(image_id), CLAIM, kind="case_claim", status=case_id, body={"case_id": case_id}
    )


def share_item(case_id: str, person: str) -> CaseworkItem:
    """Lists the case among those of whose images it is."""
    return CaseworkItem(case_pk(case_id), f"{SHARE}{person}", kind="case_share")


def put_share(parts: Parts, case: Case, person: str) -> None:
    """The share as the case's present specialty and status want it, whether or not there is one."""
    parts.update(
        share_item(case.case_id, person),
        [
            CaseworkItem.kind.set("case_share"),
            CaseworkItem.body.set({"case_id": case.case_id}),
            CaseworkItem.gsi1pk.set(own_partition(person, case.specialty, case.status)),
            CaseworkItem.gsi1sk.set(case.case_id),
        ],
        ConflictError("The case is shared already."),
    )
