"""Every route of the former systems has its contract, which shows each of its answers."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from clinic_api.compat.application import PREFIX
from clinic_api.compat.application import SYSTEMS as SERVED
from tests.contracts import page
from tests.contracts.contract import SYSTEMS, Contract, contracts
from tests.unit.api.conftest import Fakes


def routes(system: str) -> Iterator[tuple[str, APIRoute]]:
    """The routes that a system has, as its contracts name them."""
    for route in import_module(f"clinic_api.compat.{system}").router.routes:
        assert isinstance(route, APIRoute)
        (method,) = route.methods or {"none"}
        yield f"{method} {route.path}", route


def contracts_of(system: str) -> list[Contract]:
    return [contract for name, contract in contracts().items() if name.startswith(f"{system}/")]


def test_the_systems_are_those_of_the_contracts() -> None:
    assert set(SERVED) == set(SYSTEMS)
    assert sum(SYSTEMS.values()) == 56


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_route_has_one_contract_and_each_contract_a_route(system: str) -> None:
    told = [contract.route for contract in contracts_of(system)]
    assert sorted(told) == sorted(name for name, _ in routes(system))
    assert len(told) == SYSTEMS[system]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_contract_shows_a_success_and_each_error_that_the_route_documents(system: str) -> None:
    documented = {name: {int(status) for status in route.responses} for name, route in routes(system)}
    for contract in contracts_of(system):
        shown = {step.status for step in contract.steps if step.method is None}
        assert min(shown) < 400 or contract.state == "refused", contract.route
        assert documented[contract.route] <= shown, contract.route


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_changed_is_told(system: str) -> None:
    for contract in contracts_of(system):
        assert (contract.state == "served") == (not contract.breaks), contract.route


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_what_says_so_answers_without_a_token(system: str, client: TestClient, fakes: Fakes) -> None:
    open_to_all = {contract.route for contract in contracts_of(system) if contract.anonymous}
    closed = [name for name, _ in routes(system) if name not in open_to_all]
    assert closed
    for name in closed:
        method, path = name.split(" ")
        answer = client.request(
            method, f"{PREFIX}/{system}{path}", headers={"X-User-Id": "1", "X-User-Role": "admin"}
        )
        assert answer.status_code == 401, name
        assert answer.headers["Content-Type"] == "application/json", name


def test_the_page_is_written_from_the_contracts() -> None:
    assert page.FILE.read_text() == page.page()
