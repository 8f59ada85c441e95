"""What can go wrong between a client and the platform."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class TriagelensClientError(Exception):
    """Base of every error that this package raises on purpose. The message is fit to show to a person."""

    code = "client_error"


class NotSignedInError(TriagelensClientError):
    """The call needs an access token and there is none, or it can no longer be renewed."""

    code = "not_signed_in"


class NobodyError(TriagelensClientError):
    """There is no person of that name."""

    code = "nobody"


class ConnectionFailedError(TriagelensClientError):
    """No answer came, however often it was asked for."""

    code = "connection_failed"


class UnexpectedAnswerError(TriagelensClientError):
    """Something answered, but not with what the Triagelens API says: another server or a newer API."""

    code = "unexpected_answer"


class NoFileError(TriagelensClientError):
    """An export has no file that could be fetched: it failed, is still to come, or its file is gone."""

    code = "no_file"


class UnreadableFileError(TriagelensClientError):
    """A local file that cannot be sent (absent, unreadable, empty, of a type not taken), or not written."""

    code = "unreadable_file"


class UploadRefusedError(TriagelensClientError):
    """The storage refused the bytes.

    Attributes:
        code: the storage's own code, such as `EntityTooLarge` or `AccessDenied`.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"The upload was refused: {message} ({code}).")
        self.status = status
        self.code = code

    @classmethod
    def from_response(cls, response: httpx.Response) -> "UploadRefusedError":
        """Reads the XML error that S3 answers with."""

        def element(name: str, default: str) -> str:
            found = re.search(rf"<{name}>([^<]*)</{name}>", response.text)
            return found[1] if found else default

        return cls(
            response.status_code,
            element("Code", f"http_{response.status_code}"),
            element("Message", response.reason_phrase or "no reason was given").rstrip("."),
        )


class DeadlinePassedError(TriagelensClientError):
    """The platform is still working and the caller's time is over. Nothing is lost: ask again by the id.

    Attributes:
        subject: id of the image or of the model's import.
        status: the status last seen.
    """

    code = "deadline_passed"

    def __init__(self, subject: str, status: str, waited_s: float) -> None:
        super().__init__(f"{subject} is still {status} after {waited_s:.0f} s; ask for it again later.")
        self.subject = subject
        self.status = status


class ApiError(TriagelensClientError):
    """A problem document (RFC 9457) from the API.

    Attributes:
        status: HTTP status.
        code: stable, machine-readable.
        detail: what is wrong with this request, in words.
        errors: one entry for each invalid field, where the API names them.
        challenge: what a sign-in still needs, if that is why it was refused.
        retry_after_s: seconds after which another try makes sense, where the API says so.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        challenge: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(" ".join([detail or title, *(_field_error(error) for error in errors)]))
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.challenge = challenge
        self.retry_after_s = retry_after_s


class InvalidRequestError(ApiError):
    """The API cannot do what was asked, as it was asked."""


class UnauthenticatedError(ApiError):
    """The token is missing, expired or forged, or sign-in was refused."""


class ForbiddenError(ApiError):
    """The person may not do this."""


class NotFoundError(ApiError):
    """There is no such thing, or the person may not know of it."""


class ConflictError(ApiError):
    """The request does not fit the present state of the thing."""


class OutdatedError(ApiError):
    """Somebody else has changed the thing since it was read; nothing was done."""


class TooManyRequestsError(ApiError):
    """Come back after `retry_after_s`."""


class ServerError(ApiError):
    """The platform failed."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: OutdatedError,
    429: TooManyRequestsError,
}


def api_error(response: httpx.Response) -> ApiError:
    """The typed error for an unsuccessful answer, from its problem document or whatever else came."""
    fallback = InvalidRequestError if response.status_code < 500 else ServerError
    kind = _BY_STATUS.get(response.status_code, fallback)
    problem = _json_object(response)
    title = problem.get("title") or problem.get("message") or response.reason_phrase or "The request failed"
    return kind(
        status=response.status_code,
        code=str(problem.get("code") or f"http_{response.status_code}"),
        title=str(title),
        detail=problem.get("detail"),
        errors=[error for error in problem.get("errors") or () if isinstance(error, Mapping)],
        challenge=problem.get("challenge"),
        retry_after_s=retry_after_s(response),
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds until the moment that `Retry-After` names, as a number or a date; None without one."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _field_error(error: Mapping[str, Any]) -> str:
    place = str(error.get("pointer") or error.get("parameter") or "").removeprefix("#/")
    message = error.get("message") or error.get("code") or ""
    return f"[{place}: {message}]" if place else f"[{message}]"
