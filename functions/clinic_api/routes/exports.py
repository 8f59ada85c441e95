"""Exports: ask for one, look at it, download it."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.exports import Exporter, ExportsCase, VisibleExport
from clinic_api.routes.responses import problems
from clinic_api.schemas.exports import ExportList, ExportRequest, ExportResponse
from clinic_api.trail import about

router = APIRouter(prefix="/v1/exports", tags=["statistics"])

RETRY_AFTER_S = 5

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Makes repeating this request safe for 24 hours; use a new random one for each export",
        examples=["7b1f7f0a-52d1-4b0e-8d39-3f2c7d0c1e55"],
    ),
]


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="request_export",
    summary="Have images or cases written to a file (researcher, admin)",
    responses=problems(400, 401, 403, 409, 422, 503),
)
def request_export(
    body: ExportRequest,
    exporter: Exporter,
    exports: ExportsCase,
    idempotency_key: IdempotencyHeader = None,
) -> ExportResponse:
    """Queues the export and answers at once; ask for it until it is `ready`.

    Without `include_people` a file holds opaque ids, figures and dates, and no name nor free text. Labels
    of cases whose blind readers are not all in are in no export.
    """
    export = exports.request(exporter, body.wanted(), idempotency_key, correlation_id())
    about(export.export_id)
    return ExportResponse.of(export)


@router.get(
    "",
    operation_id="list_exports",
    summary="Exports, newest first (researcher: own; admin: all)",
    responses=problems(400, 401, 403, 422, 503),
)
def list_exports(
    exporter: Exporter,
    exports: ExportsCase,
    limit: Annotated[int, Query(ge=1, le=50, description="Exports on a page")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> ExportList:
    """Without links; ask for one export to get its file."""
    return ExportList.of(exports.page(exporter, limit, cursor))


@router.get(
    "/{export_id}",
    operation_id="get_export",
    summary="How far an export is, and its file (researcher: own; admin: all)",
    responses=problems(401, 403, 404, 503),
)
def get_export(export: VisibleExport, exports: ExportsCase, response: Response) -> ExportResponse:
    """Once it is `ready`, `download` is a link that is good for a quarter of an hour.

    Until then `Retry-After` says when to ask again. A file with people's names is for admins alone, also
    when whoever asked for it was one.
    """
    if export.is_open:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return ExportResponse.of(export, exports.download(export))
