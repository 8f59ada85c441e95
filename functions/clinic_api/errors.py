"""Every error becomes a problem document here, and nowhere else."""

from collections.abc import Mapping, Sequence
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
FAULT_TEXT = "Something went wrong on our side."

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
)


def add_error_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error with a problem document."""
    app.add_exception_handler(domain.TriagelensError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    # Inside of the middleware that is added later, so that this answer too gets its headers, CORS included.
    app.add_middleware(ServerErrorMiddleware, handler=_unexpected_error)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] | None = None,
    challenge: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem document as a response."""
    document = ProblemDocument(
        type=f"urn:triagelens:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=list(errors) if errors else None,
        challenge=challenge,
        correlation_id=correlation_id(),
    )
    return JSONResponse(
        document.model_dump(exclude_none=True), status_code=status, headers=headers, media_type=MEDIA_TYPE
    )


def _domain_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, domain.TriagelensError):
        raise error
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), None)
    if status is None:
        raise error
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, domain.TooManyRequestsError | domain.UnavailableError):
        headers["Retry-After"] = str(error.retry_after_s)
    challenge = error.challenge if isinstance(error, domain.ChallengeError) else None
    return problem(status, error.code, str(error), challenge=challenge, headers=headers)


def _validation_error(_request: Request, error: Exception) -> Response:
    """What does not fit the schema, part by part. The values themselves are never repeated."""
    if not isinstance(error, RequestValidationError):
        raise error
    return problem(
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


def _http_error(_request: Request, error: Exception) -> Response:
    """Errors of the router: unknown path, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    }
    return problem(status, status.name.lower(), details.get(status, status.phrase), headers=error.headers)


def _unexpected_error(_request: Request, error: Exception) -> Response:
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
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAULT_TEXT)
