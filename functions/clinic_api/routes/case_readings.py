"""What people say about a case: comments and labels."""

from fastapi import APIRouter, status

from clinic_api.deps.cases import CaseReader, CaseWorker, ReadingsCase, VisibleCase
from clinic_api.routes.cases import Cursor, Limit
from clinic_api.routes.responses import problems
from clinic_api.schemas.cases import CaseHistoryList
from clinic_api.schemas.readings import (
    CaseLabelList,
    CaseLabelRequest,
    CaseLabelResponse,
    CommentList,
    CommentRequest,
    CommentResponse,
)

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["cases"])


@router.post(
    "/comments",
    status_code=status.HTTP_201_CREATED,
    operation_id="add_case_comment",
    summary="Say something about a case",
    responses=problems(401, 403, 404, 503),
)
def add_case_comment(
    body: CommentRequest, worker: CaseWorker, case: VisibleCase, readings: ReadingsCase
) -> CommentResponse:
    """Among clinicians: patients see no comments."""
    return CommentResponse.of(readings.comment(worker, case, body.text))


@router.get(
    "/comments",
    operation_id="list_case_comments",
    summary="Comments on a case, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def list_case_comments(
    _worker: CaseWorker, case: VisibleCase, readings: ReadingsCase, limit: Limit = 50, cursor: Cursor = None
) -> CommentList:
    """Each in its latest form; the history has the former ones."""
    return CommentList.of(readings.comments(case, limit, cursor))


@router.patch(
    "/comments/{comment_id}",
    operation_id="edit_case_comment",
    summary="Edit one's own comment",
    responses=problems(401, 403, 404, 409, 503),
)
def edit_case_comment(
    comment_id: str, body: CommentRequest, worker: CaseWorker, case: VisibleCase, readings: ReadingsCase
) -> CommentResponse:
    """The former text stays in the history."""
    return CommentResponse.of(readings.edit_comment(worker, case, comment_id, body.text))


@router.put(
    "/label",
    operation_id="label_case",
    summary="Say what a case is (doctor, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def label_case(
    body: CaseLabelRequest, reader: CaseReader, case: VisibleCase, readings: ReadingsCase
) -> CaseLabelResponse:
    """One label for each reader: it takes the place of an earlier one, which stays in the history.

    A case that asks for several readers hides each one's label from the others until all are in; from
    then on none of them can be changed.
    """
    return CaseLabelResponse.of(readings.label(reader, case, body.correct_label, body.notes))


@router.get(
    "/labels",
    operation_id="list_case_labels",
    summary="What each reader takes a case for (doctor, admin)",
    responses=problems(400, 401, 403, 404, 503),
)
def list_case_labels(
    reader: CaseReader, case: VisibleCase, readings: ReadingsCase, limit: Limit = 50, cursor: Cursor = None
) -> CaseLabelList:
    """In no particular order. As long as blind readers are awaited, each sees their own only."""
    return CaseLabelList.of(readings.labels(reader, case, limit, cursor))


@router.get(
    "/history",
    operation_id="get_case_history",
    summary="Every change of a case, newest first",
    responses=problems(400, 401, 403, 404, 503),
)
def get_case_history(
    worker: CaseWorker, case: VisibleCase, readings: ReadingsCase, limit: Limit = 50, cursor: Cursor = None
) -> CaseHistoryList:
    """Who, when, and what it was before: of the case itself and of what hangs on it.

    As long as blind readers are awaited, it does not tell what the others thought.
    """
    return CaseHistoryList.of(readings.history(worker, case, limit, cursor))
