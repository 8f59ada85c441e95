"""One id per request, through every log line and record, and safe headers on every answer."""

import re
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_api.observability import logger
from triagelens.domain.ids import new_id

HEADER = "X-Correlation-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("correlation_id", default="-")

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


def correlation_id() -> str:
    """The id of the request under way."""
    return _current.get()


def route_of(scope: Scope) -> str | None:
    """The route that answers, below the prefix of a former system's API if it is one of those."""
    path = getattr(scope.get("route"), "path", None)
    return None if path is None else f"{scope.get('root_path', '')}{path}"


def add_headers(headers: MutableHeaders) -> None:
    """Puts the correlation id and the security headers on an answer, unless they are there."""
    headers.setdefault(HEADER, correlation_id())
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)


class CorrelationMiddleware:
    """Finds or makes the request's id and finishes the headers of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
                # The route and not the path, which may hold anything.
                about = {"method": scope["method"], "route": route_of(scope), "status": message["status"]}
                logger.info("answered", extra=about)
            await send(message)

        _current.set(_id_of(scope))
        logger.thread_safe_append_keys(correlation_id=correlation_id())
        await self._app(scope, receive, finish)


def _id_of(scope: Scope) -> str:
    """The client's id if it is a sane token, else the gateway's, else a new one."""
    offered = Headers(scope=scope).get(HEADER, "")
    if _SANE.fullmatch(offered):
        return offered
    gateway_id = scope.get("aws.event", {}).get("requestContext", {}).get("requestId")
    return gateway_id if isinstance(gateway_id, str) and gateway_id else new_id()
