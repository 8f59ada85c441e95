"""Everything seen at a glance."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from clinic_api.deps.ports import ClockPort
from clinic_api.deps.statistics import FiguresCase, StatisticsReader
from clinic_api.routes.responses import problems
from clinic_api.schemas.statistics import StatisticsResponse

router = APIRouter(prefix="/v1/stats", tags=["statistics"])

DAYS_BY_DEFAULT = 30
EARLIEST = date(2020, 1, 1)


@router.get(
    "",
    operation_id="get_statistics",
    summary="Counts of images, cases, patients and reports (researcher, admin)",
    responses=problems(400, 401, 403, 503),
)
def get_statistics(
    _reader: StatisticsReader,
    figures: FiguresCase,
    clock: ClockPort,
    first: Annotated[
        date | None,
        Query(alias="from", ge=EARLIEST, description="First day to tell; 30 days to `to`, if not given"),
    ] = None,
    last: Annotated[
        date | None, Query(alias="to", ge=EARLIEST, description="Last day to tell; today, if not given")
    ] = None,
) -> StatisticsResponse:
    """Totals are over all time; `from` and `to` (UTC, a year at most) choose the days."""
    now = clock()
    until = last or now.date()
    since = first or until - timedelta(days=DAYS_BY_DEFAULT - 1)
    return StatisticsResponse.of(figures.between(since, until), now)
