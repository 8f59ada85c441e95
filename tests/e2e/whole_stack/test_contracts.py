"""The former systems' apps are answered in their own words, where each function has its own rights only."""

import pytest

from tests.contracts.contract import contracts
from tests.e2e.whole_stack.contracting import FormerApp, Staff
from tests.e2e.whole_stack.stack import Stack


@pytest.fixture(scope="module")
def staff(strict: Stack) -> Staff:
    return Staff(strict)


@pytest.mark.parametrize("name", contracts())
def test_an_app_is_answered_as_its_contract_tells(name: str, strict: Stack, staff: Staff) -> None:
    system, _, _ = name.partition("/")
    faults = len(strict.faults)
    FormerApp(staff, strict.http(), system, contracts()[name]).go()
    assert strict.faults[faults:] == []
