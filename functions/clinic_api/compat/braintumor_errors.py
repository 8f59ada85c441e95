"""Errors as the brain tumour system's portals know them."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from clinic_api.errors import Refusal

SIGN_IN_TEXT = (
    "Sign in with POST /api/patient/login or POST /api/admin/login, and send its access_token as "
    "`Authorization: Bearer ...`."
)
# The former API knew 400, 401, 403, 404 and 500. What has no use for a status of its own goes by these.
STATUSES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT: HTTPStatus.BAD_REQUEST,
}


def refused(refusal: Refusal) -> Response:
    """An error: a sentence, a code in capitals, and what helps further where there is more to say."""
    body: dict[str, Any] = {"success": False, "error": refusal.detail, "code": refusal.code.upper()}
    if refusal.challenge is not None:
        body["details"] = refusal.challenge
        return JSONResponse(body, HTTPStatus.UNAUTHORIZED)
    if refusal.errors:
        body["details"] = "; ".join(f"{e.pointer or e.parameter}: {e.message}" for e in refusal.errors)
    elif refusal.status is HTTPStatus.UNAUTHORIZED and refusal.code == "unauthenticated":
        body["details"] = SIGN_IN_TEXT
    return JSONResponse(body, STATUSES.get(refusal.status, refusal.status), refusal.headers)
