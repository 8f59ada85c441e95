"""What people think of the platform itself."""

from fastapi import APIRouter, status

from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.reviewing import FeedbackAdmin, FeedbacksCase
from clinic_api.routes.cases import Cursor, Limit
from clinic_api.routes.responses import problems
from clinic_api.schemas.feedback import (
    FeedbackList,
    FeedbackRequest,
    FeedbackResetResponse,
    FeedbackResponse,
    FeedbackStatusResponse,
)

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="give_feedback",
    summary="Say what you think of the platform",
    responses=problems(401, 409, 503),
)
def give_feedback(body: FeedbackRequest, person: CurrentPerson, feedbacks: FeedbacksCase) -> FeedbackResponse:
    """One for each person: it takes the place of an earlier one."""
    return FeedbackResponse.of(feedbacks.give(person, body.rating, body.text))


@router.get(
    "/mine",
    operation_id="get_my_feedback",
    summary="Whether you have given feedback",
    responses=problems(401, 503),
)
def get_my_feedback(person: CurrentPerson, feedbacks: FeedbacksCase) -> FeedbackStatusResponse:
    """For an app that asks each person once."""
    return FeedbackStatusResponse.of(feedbacks.of(person))


@router.get(
    "",
    operation_id="list_feedback",
    summary="Everybody's feedback (admin)",
    responses=problems(400, 401, 403, 503),
)
def list_feedback(
    _admin: FeedbackAdmin, feedbacks: FeedbacksCase, limit: Limit = 50, cursor: Cursor = None
) -> FeedbackList:
    """Newest first."""
    return FeedbackList.of(feedbacks.page(limit, cursor))


@router.delete(
    "",
    operation_id="reset_feedback",
    summary="Take all feedback away (admin)",
    responses=problems(401, 403, 503),
)
def reset_feedback(admin: FeedbackAdmin, feedbacks: FeedbacksCase) -> FeedbackResetResponse:
    """Everybody is asked anew. Call it again as long as it answers that there is more."""
    return FeedbackResetResponse.of(feedbacks.reset(admin))
