"""The one table of who may do what."""

import pytest

from tests.fakes import START
from triagelens.domain.people import MAY, Action, Person, Role


def test_every_action_has_its_roles_and_admins_may_do_each() -> None:
    assert set(MAY) == set(Action)
    assert all(Role.ADMIN in roles for roles in MAY.values())


@pytest.mark.parametrize("action", [Action.MANAGE_PEOPLE, Action.MANAGE_MODELS, Action.RETRY_IMAGES])
def test_what_changes_the_platform_is_for_admins_alone(action: Action) -> None:
    people = [Person(sub=role, username=role, role=role, created_at=START) for role in Role]
    assert [person.role for person in people if person.may(action)] == [Role.ADMIN]


def test_patients_may_do_nothing_beyond_their_own() -> None:
    assert not [action for action, roles in MAY.items() if Role.PATIENT in roles]
