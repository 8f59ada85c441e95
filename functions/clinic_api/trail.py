"""Every request that is to be remembered leaves one entry in the audit trail, whoever wrote its route.

A use case that has words of its own (`patient.read`, `session.sign_in`) writes its entry itself; of every
other request that changed something, read something of somebody, or was turned away, the entry is written
here, before the answer leaves. So a new route is in the trail without a line of its own.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_api.correlation import correlation_id, route_of
from clinic_api.errors import FAULT, problem
from triagelens.domain.audit import NOBODY, NOTHING, AuditEntry, Outcome, network_of
from triagelens.domain.ids import is_id, new_id
from triagelens.services.identity_ports import AuditTrail, Claims, TokenVerifier

# Reads that show nothing of anybody else.
NOTHING_TO_SEE = frozenset({"/health", "/v1/me", "/v1/specialties", "/v1/models", "/v1/openapi.json"})
# Written beside what the request itself does, and not in its place.
BESIDE = frozenset({"patient.attach"})
DENIALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
# Parameters of a path that may be a case's number, which is no person's.
CASE_NUMBERS = frozenset({"case_id", "number"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class RequestTrail:
    """What the trail knows of the request under way.

    Attributes:
        told: whether a use case has written down what the request does.
    """

    source: str | None = None
    actor: str = NOBODY
    subject: str | None = None
    told: bool = False


_current: ContextVar[RequestTrail | None] = ContextVar("request_trail", default=None)


def _request() -> RequestTrail:
    return _current.get() or RequestTrail()


def about(subject: str) -> None:
    """Says which thing a request is about where its path does not, such as one that was just made."""
    _request().subject = subject


class StampedTrail:
    """`services.identity_ports.AuditTrail` of the request under way: it knows where that came from."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def append(self, entry: AuditEntry) -> None:
        request = _request()
        self._trail.append(entry.model_copy(update={"source": request.source}))
        if entry.action not in BESIDE or entry.outcome is Outcome.DENIED:
            request.told = True


class NotingTokens:
    """`services.identity_ports.TokenVerifier` that notes whose token it was, whatever follows."""

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    def verify(self, token: str) -> Claims:
        claims = self._tokens.verify(token)
        _request().actor = claims.sub
        return claims


class TrailMiddleware:
    """Writes the request's entry if no use case has. What cannot be written down is not answered."""

    def __init__(self, app: ASGIApp, trail: Callable[[], AuditTrail], clock: Callable[[], datetime]) -> None:
        self._app = app
        self._trail = trail
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        withheld = False

        async def recorded(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start":
                withheld = True
                try:
                    await self._record(scope, message["status"])
                    withheld = False
                finally:
                    if withheld:
                        await problem(FAULT)(scope, receive, send)
            if not withheld:
                await send(message)

        with _about_this(scope):
            await self._app(scope, receive, recorded)

    async def _record(self, scope: Scope, status: int) -> None:
        entry = _entry(scope, status, _request(), self._clock())
        if entry is not None:
            await to_thread.run_sync(self._trail().append, entry)


@contextmanager
def _about_this(scope: Scope) -> Iterator[None]:
    client = scope.get("client")
    token = _current.set(RequestTrail(source=network_of(client[0] if client else None)))
    try:
        yield
    finally:
        _current.reset(token)


def _entry(scope: Scope, status: int, request: RequestTrail, now: datetime) -> AuditEntry | None:
    """The entry of a request that ends with `status`, or None if there is none to write."""
    route = route_of(scope)
    outcome = _outcome(scope, status)
    if request.told or route is None or outcome is None:
        return None
    reads = scope["method"] == "GET"
    if outcome is Outcome.ALLOWED and reads and (request.actor == NOBODY or _shows_nothing(route)):
        return None
    return AuditEntry(
        entry_id=new_id(),
        at=now,
        actor=request.actor,
        action=f"{scope['method']} {route}",
        subject=request.subject or _subject(scope),
        outcome=outcome,
        correlation_id=correlation_id(),
        reason=None if outcome is Outcome.ALLOWED else str(int(status)),
        source=request.source,
    )


def _outcome(scope: Scope, status: int) -> Outcome | None:
    """What a status means; None where nothing was read, changed or denied."""
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.ALLOWED
    if status in DENIALS:
        # Somebody without any token is only somebody who has not signed in.
        nobody_yet = status == HTTPStatus.UNAUTHORIZED and "authorization" not in Headers(scope=scope)
        return None if nobody_yet else Outcome.DENIED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and scope["method"] != "GET":
        return Outcome.FAILED
    return None


def _shows_nothing(route: str) -> bool:
    return any(route == shown or route.startswith(f"{shown}/") for shown in NOTHING_TO_SEE)


def _subject(scope: Scope) -> str:
    """The id in the path that is told first. Only what is an id for certain: a path may hold anything.

    A number is one where it is a case's; a patient's may be the hospital's.
    """
    for name, value in scope.get("path_params", {}).items():
        text = str(value)
        if is_id(text) or _UUID.fullmatch(text) or (name in CASE_NUMBERS and text.isdecimal()):
            return text
    return NOTHING
