"""An engineer makes the first admin, and it holds at once."""

import pytest

from clinic_api.grant import roles
from tests.cloud import REGION
from tests.integration.api.conftest import Api
from triagelens.domain.errors import NotFoundError
from triagelens.domain.people import Role


def outputs(api: Api) -> dict[str, str]:
    return {
        "UsersTable": "users",
        "AuditTable": "audit",
        "UserPoolId": api.pool_id,
        "UserPoolClientId": api.client_id,
    }


def test_a_granted_role_holds_from_the_next_request_and_is_audited(api: Api) -> None:
    headers = api.sign_up("ada")
    person = roles(outputs(api), REGION).grant("ada", Role.ADMIN)
    assert api.client.get("/v1/me", headers=headers).json()["role"] == "admin"
    granted = [entry for entry in api.audited() if entry["action"] == "person.grant"]
    assert [(entry["actor"], entry["subject"], entry["reason"]) for entry in granted] == [
        ("operator", person.sub, "role admin")
    ]


def test_nobody_is_granted_anything_who_never_signed_up(api: Api) -> None:
    with pytest.raises(NotFoundError):
        roles(outputs(api), REGION).grant("nobody", Role.ADMIN)
    assert [entry for entry in api.audited() if entry["action"] == "person.grant"] == []
