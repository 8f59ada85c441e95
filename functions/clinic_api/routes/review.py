"""What to read next."""

from typing import Annotated

from fastapi import APIRouter, Query

from clinic_api.deps.cases import CaseReader
from clinic_api.deps.reviewing import ReviewQueueCase
from clinic_api.routes.case_panels import SpecialtyName
from clinic_api.routes.cases import Cursor
from clinic_api.routes.responses import problems
from clinic_api.schemas.review import ReviewQueueResponse
from triagelens.domain.review import MOST_CANDIDATES, Strategy

router = APIRouter(prefix="/v1", tags=["review"])


@router.get(
    "/review-queue",
    operation_id="get_review_queue",
    summary="Cases whose label would teach most (doctor, admin)",
    responses=problems(400, 401, 403, 503),
)
def get_review_queue(
    reader: CaseReader,
    queue: ReviewQueueCase,
    specialty: SpecialtyName,
    top_k: Annotated[int, Query(ge=1, le=MOST_CANDIDATES, description="How many at most")] = 5,
    strategy: Annotated[Strategy, Query(description="What `least certain` means")] = Strategy.MARGIN,
    cursor: Cursor = None,
) -> ReviewQueueResponse:
    """Unlabelled cases, and those that still want readers, less those that you have labelled.

    `diverse` gives one batch without a cursor: label it, then ask again.
    """
    return ReviewQueueResponse.of(specialty, strategy, queue.top(reader, specialty, strategy, top_k, cursor))
