"""Every error becomes a problem document here, and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from traceback import format_tb
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ValidationException
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import JSONResponse, Response

from clinic_api.correlation import correlation_id
from clinic_api.observability import logger
from clinic_api.schemas.problems import FieldProblem, ProblemDocument
from triagelens.domain import errors as domain

MEDIA_TYPE = "application/problem+json"

# The first line that fits an error decides; a subclass stands before its base.
STATUSES: tuple[tuple[type[domain.TriagelensError], HTTPStatus], ...] = (
    (domain.TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (domain.UnknownSpecialtyError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (domain.PasswordRefusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (domain.VersionMissingError, HTTPStatus.PRECONDITION_REQUIRED),
    (domain.InvalidRequestError, HTTPStatus.BAD_REQUEST),
    (domain.IdempotencyMismatchError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (domain.OutdatedError, HTTPStatus.PRECONDITION_FAILED),
    (domain.ConflictError, HTTPStatus.CONFLICT),
    (domain.NotFoundError, HTTPStatus.NOT_FOUND),
    (domain.ForbiddenError, HTTPStatus.FORBIDDEN),
    (domain.UnauthenticatedError, HTTPStatus.UNAUTHORIZED),
    (domain.ChallengeError, HTTPStatus.CONFLICT),
    (domain.SignInError, HTTPStatus.UNAUTHORIZED),
    (domain.TooManyRequestsError, HTTPStatus.TOO_MANY_REQUESTS),
    (domain.UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (domain.ModelError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (domain.UnreadableImageError, HTTPStatus.BAD_REQUEST),
)


@dataclass(frozen=True)
class Refusal:
    """An error as it is told, whatever its shape. `challenge`: what a sign-in still needs."""

    status: HTTPStatus
    code: str
    detail: str
    errors: Sequence[FieldProblem] = ()
    challenge: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Shape = Callable[[Refusal], Response]


def problem(refusal: Refusal) -> Response:
    """A problem document (RFC 9457)."""
    document = ProblemDocument(
        type=f"urn:triagelens:problem:{refusal.code}",
        title=refusal.status.phrase,
        status=refusal.status,
        detail=refusal.detail,
        code=refusal.code,
        errors=list(refusal.errors) or None,
        challenge=refusal.challenge,
        correlation_id=correlation_id(),
    )
    return JSONResponse(
        document.model_dump(exclude_none=True),
        status_code=refusal.status,
        headers=refusal.headers,
        media_type=MEDIA_TYPE,
    )


FAULT = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")


def add_error_handlers(app: FastAPI, shape: Shape = problem) -> None:
    """Makes `app` answer every error in one shape."""

    def shaped(refusal_of: Callable[[Any], Refusal]) -> Callable[[Request, Exception], Response]:
        return lambda _request, error: shape(refusal_of(error))

    app.add_exception_handler(domain.TriagelensError, shaped(_domain_error))
    app.add_exception_handler(RequestValidationError, shaped(_validation_error))
    app.add_exception_handler(HTTPException, shaped(_http_error))
    # Inside of the middleware that is added later, so that this answer too gets its headers, CORS included.
    app.add_middleware(ServerErrorMiddleware, handler=shaped(_unexpected_error))


def _domain_error(error: domain.TriagelensError) -> Refusal:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), None)
    if status is None:
        raise error
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, domain.TooManyRequestsError | domain.UnavailableError):
        headers["Retry-After"] = str(error.retry_after_s)
    challenge = error.challenge if isinstance(error, domain.ChallengeError) else None
    return Refusal(status, error.code, str(error), challenge=challenge, headers=headers)


def _validation_error(error: RequestValidationError) -> Refusal:
    """What does not fit the schema, part by part. The values themselves are never repeated."""
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_request",
        "The request does not have the form that this operation takes.",
        errors=[_field_problem(entry) for entry in error.errors()],
    )


def _field_problem(entry: Mapping[str, Any]) -> FieldProblem:
    place, *path = entry["loc"]
    if place == "body":
        # A syntax error is told with a position in the text, not with a path.
        steps = [] if entry["type"] == "json_invalid" else path
        pointer = "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
        return FieldProblem(pointer=pointer, code=entry["type"], message=entry["msg"])
    return FieldProblem(parameter=str(path[-1]), code=entry["type"], message=entry["msg"])


def _http_error(error: HTTPException) -> Refusal:
    """Errors of the router: unknown path, wrong method."""
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    }
    detail = details.get(status, status.phrase)
    return Refusal(status, status.name.lower(), detail, headers=error.headers or {})


def _unexpected_error(error: Exception) -> Refusal:
    """A fault of ours: the stack goes to the log, nothing of it to the caller.

    A validation error's own words repeat the values that did not fit, which may be a patient's: of
    those only the stack is logged, and which fields they were.
    """
    if isinstance(error, ValidationError | ValidationException):
        fields = [{"loc": entry["loc"], "type": entry["type"]} for entry in error.errors()]
        stack = "".join(format_tb(error.__traceback__))
        logger.error(
            "unexpected error", extra={"error": type(error).__name__, "fields": fields, "stack": stack}
        )
    else:
        logger.error("unexpected error", exc_info=error)
    return FAULT
