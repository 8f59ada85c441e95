"""The audit trail, for admins."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from clinic_api.deps.audit import AuditExportsPort, Auditor, AuditReaderPort
from clinic_api.deps.ports import ClockPort
from clinic_api.routes.responses import problems
from clinic_api.schemas.audit import AuditDayList, AuditDayResponse, AuditEntryList
from triagelens.domain.errors import InvalidRequestError
from triagelens.services.audit_ports import Question

router = APIRouter(prefix="/v1/audit", tags=["audit"])

Limit = Annotated[int, Query(ge=1, le=100, description="Entries on a page")]
Cursor = Annotated[str | None, Query(max_length=64, description="From the page before")]


@router.get(
    "",
    operation_id="list_audit_entries",
    summary="Who did what (admin)",
    responses=problems(400, 401, 403, 503),
)
def list_audit_entries(
    _auditor: Auditor,
    reader: AuditReaderPort,
    clock: ClockPort,
    day: Annotated[date | None, Query(description="Of this day (UTC); today, if nothing is asked")] = None,
    actor: Annotated[str | None, Query(max_length=64, description="Of this person")] = None,
    subject: Annotated[str | None, Query(max_length=128, description="About this thing")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditEntryList:
    """Of one day, of one actor, or about one subject, newest first. Asking leaves an entry, too."""
    if sum(asked is not None for asked in (day, actor, subject)) > 1:
        raise InvalidRequestError("Ask for a day, an actor or a subject: for one of them.")
    if day is None and actor is None and subject is None:
        day = clock().date()
    return AuditEntryList.of(reader.entries(Question(day, actor, subject), limit, cursor))


@router.get(
    "/days",
    operation_id="list_audit_days",
    summary="Closed days of the audit trail (admin)",
    responses=problems(400, 401, 403, 503),
)
def list_audit_days(
    _auditor: Auditor, reader: AuditReaderPort, limit: Limit = 50, cursor: Cursor = None
) -> AuditDayList:
    """A day is closed, signed and exported soon after it is over; days without entries are, too."""
    return AuditDayList.of(reader.seals(limit, cursor))


@router.get(
    "/days/{day}",
    operation_id="get_audit_day",
    summary="A closed day and its export (admin)",
    responses=problems(401, 403, 404, 503),
)
def get_audit_day(
    day: Annotated[date, Path(description="UTC", examples=["2026-11-23"])],
    _auditor: Auditor,
    reader: AuditReaderPort,
    exports: AuditExportsPort,
) -> AuditDayResponse:
    """The export comes from a bucket in which nothing can be changed or removed before its time."""
    return AuditDayResponse.of(reader.seal(day), exports.url(day))
