"""Errors as the AllCare app knows them: `detail`, a list where fields of the request do not fit."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from clinic_api.compat.fastapi_errors import detail_of
from clinic_api.errors import Refusal
from triagelens.domain import errors as domain

# Statuses that it does not know, in those that it does.
STATUSES: Mapping[str, HTTPStatus] = {
    domain.TooFewLabelsError.code: HTTPStatus.BAD_REQUEST,
    domain.OutdatedError.code: HTTPStatus.CONFLICT,
}
SIGN_IN_TEXT = "Invalid username or password"
REPLACEMENT = (
    "X-User-Id and X-User-Role sign nobody in any more: POST /auth/login gives a token, to be sent as "
    "Authorization: Bearer <token>."
)


def refused(refusal: Refusal) -> Response:
    """An error in FastAPI's own shape. `challenge` says what a sign-in still needs."""
    body: dict[str, Any] = {"detail": _detail(refusal)}
    if refusal.challenge is not None:
        body["challenge"] = refusal.challenge
    return JSONResponse(body, STATUSES.get(refusal.code, refusal.status), refusal.headers)


def _detail(refusal: Refusal) -> str | list[dict[str, Any]]:
    if refusal.code == domain.SignInError.code:
        return SIGN_IN_TEXT
    if refusal.code == domain.UnauthenticatedError.code:
        return f"{refusal.detail} {REPLACEMENT}"
    return detail_of(refusal)
