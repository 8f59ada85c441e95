"""Errors as the documentation tells them."""

from http import HTTPStatus
from typing import Any

from clinic_api.errors import MEDIA_TYPE
from clinic_api.schemas.problems import ProblemDocument

_WORDS = {
    400: "The request can never work as asked",
    401: "No valid access token",
    403: "The account may not do this",
    404: "There is no such thing, or it is not yours to see",
    409: "Does not fit the present state",
    412: "The thing is no longer as it was when the caller read it",
    413: "Too large",
    422: "The request does not have the form that this operation takes",
    428: "Say with `If-Match` which version the change is made to",
    429: "Too many requests; come back after `Retry-After` seconds",
    503: "Something that the platform stands on does not answer; come back after `Retry-After` seconds",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented error answers of a route; 422 and 500 can always come."""
    return {status: problem_answer(status) for status in sorted({*statuses, 422, 500})}


def problem_answer(status: int) -> dict[str, Any]:
    """One error answer, as problem document."""
    return {
        "description": _WORDS.get(status, HTTPStatus(status).phrase),
        "model": ProblemDocument,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
