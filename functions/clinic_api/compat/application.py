"""A former system's API: an application of its own inside the API, with that system's shape of errors."""

from functools import cached_property
from http import HTTPStatus
from importlib import import_module
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from clinic_api import errors

PREFIX = "/compat"
SYSTEMS = ("cataract", "smita", "dermascan", "allcare", "braintumor")


def former_system(title: str, router: APIRouter, shape: errors.Shape) -> FastAPI:
    """An application that answers with `router`, and tells every error in `shape`."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None, redirect_slashes=False)
    errors.add_error_handlers(app, shape)
    app.include_router(router)
    return app


def errors_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route documents. A contract shows each of them, or a test that `elsewhere` names.

    Both are under tests/contracts.
    """
    return {status: {"description": HTTPStatus(status).phrase} for status in statuses}


LATER: dict[int | str, dict[str, Any]] = {202: {"description": "Still to come: ask again"}}
"""Beside `errors_of`, of a route that waits for its answer."""


class FormerSystem:
    """ASGI: the application of `clinic_api.compat.<name>`, made at its first request.

    So a deployment pays for the systems that it has clients of. `create()` of that module makes it.
    """

    def __init__(self, outer: FastAPI, name: str) -> None:
        self._outer = outer
        self._name = name

    @cached_property
    def app(self) -> FastAPI:
        made: FastAPI = import_module(f"{__package__}.{self._name}").create()
        return made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.app.dependency_overrides = self._outer.dependency_overrides
        await self.app(scope, receive, send)


def mount(app: FastAPI) -> None:
    """Puts every former system below `app`."""
    for name in SYSTEMS:
        app.mount(f"{PREFIX}/{name}", FormerSystem(app, name))
