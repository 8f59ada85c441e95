"""Every route of the former systems has its contract, which shows each of its answers."""

import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from clinic_api.compat.application import PREFIX
from clinic_api.compat.application import SYSTEMS as SERVED
from tests.contracts import page
from tests.contracts.contract import SYSTEMS, Contract, contracts
from tests.contracts.elsewhere import ELSEWHERE
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


def shown_by(contract: Contract) -> set[int]:
    return {step.status for step in contract.steps if step.method is None}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_contract_shows_a_success_and_each_answer_that_the_route_documents(system: str) -> None:
    """Or, of what no contract can be brought to, a test elsewhere."""
    documented = {name: {int(status) for status in route.responses} for name, route in routes(system)}
    for contract in contracts_of(system):
        shown, elsewhere = shown_by(contract), set(ELSEWHERE.get(f"{system} {contract.route}", ()))
        assert min(shown) < 400 or contract.state == "refused", contract.route
        assert elsewhere.isdisjoint(shown), contract.route
        assert {status for status in shown if status >= 400 or status == 202} <= documented[contract.route]
        assert documented[contract.route] - elsewhere <= shown, contract.route
        assert elsewhere <= documented[contract.route], contract.route


def test_what_is_shown_elsewhere_is_of_a_route_and_in_a_test_that_there_is() -> None:
    every = {f"{system} {name}" for system in SYSTEMS for name, _ in routes(system)}
    assert ELSEWHERE.keys() <= every
    for shown in (one for answers in ELSEWHERE.values() for one in answers.values()):
        module, _, name = shown.test.partition("::")
        assert callable(getattr(import_module(f"tests.unit.api.{module}"), name)), shown.test


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_route_documents_the_statuses_that_its_changes_name(system: str) -> None:
    documented = {name: {int(status) for status in route.responses} for name, route in routes(system)}
    for contract in contracts_of(system):
        named = {int(found) for found in re.findall(r"\b(202|4\d\d|503)\b", " ".join(contract.breaks))}
        assert named <= documented[contract.route], contract.route


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
