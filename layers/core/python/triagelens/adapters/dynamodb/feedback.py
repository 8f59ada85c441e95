"""Feedback in the casework table."""

from triagelens.adapters.dynamodb.casework import META
from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError
from triagelens.domain.feedback import Feedback
from triagelens.services.ports import Page

FEEDBACK = "FEEDBACK"


class DynamoFeedback:
    """`services.feedback.FeedbackRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)

    def feedback(self, person: str) -> Feedback | None:
        try:
            return _feedback(CaseworkItem.get(_pk(person), META, consistent_read=True))
        except CaseworkItem.DoesNotExist:
            return None

    def page(self, limit: int, cursor: str | None) -> Page[Feedback]:
        check_cursor(cursor)
        behind = None if cursor is None else CaseworkItem.gsi1sk < cursor
        query = CaseworkItem.gsi1.query(FEEDBACK, behind, scan_index_forward=False, limit=limit + 1)
        found = [_feedback(item) for item in query]
        shown = found[:limit]
        return Page(shown, shown[-1].feedback_id if len(found) > limit else None)

    def write(self, feedback: Feedback) -> Feedback:
        item = CaseworkItem(
            _pk(feedback.person),
            META,
            kind="feedback",
            body=feedback.model_dump(mode="json", exclude={"version"}),
            gsi1pk=FEEDBACK,
            gsi1sk=feedback.feedback_id,
            version=feedback.version,
        )
        parts = Parts()
        parts.put(item, ConflictError("You have just given other feedback; try again."))
        parts.write(self._connection)
        return feedback.model_copy(update={"version": item.version})

    def remove(self, person: str) -> None:
        CaseworkItem(_pk(person), META).delete(add_version_condition=False)


def _pk(person: str) -> str:
    return f"{FEEDBACK}#{person}"


def _feedback(item: CaseworkItem) -> Feedback:
    return Feedback.model_validate({**item.body, "version": item.version})
