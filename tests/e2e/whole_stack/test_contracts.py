"""The former systems' apps are answered in their own words."""

import pytest

from tests.contracts.contract import contracts
from tests.e2e.whole_stack.contracting import FormerApp, Staff
from tests.e2e.whole_stack.stack import Stack


@pytest.fixture(scope="session")
def staff(plain: Stack) -> Staff:
    return Staff(plain)


@pytest.mark.parametrize("name", contracts())
def test_an_app_is_answered_as_its_contract_tells(name: str, plain: Stack, staff: Staff) -> None:
    system, _, _ = name.partition("/")
    faults = len(plain.faults)
    FormerApp(staff, plain.http(), system, contracts()[name]).go()
    assert plain.faults[faults:] == []
