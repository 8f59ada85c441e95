"""What admins do with people's accounts, down to the user pool and the table."""

from typing import Any

import boto3
import pytest

from tests.cloud import REGION
from tests.integration.api.conftest import PASSWORD, Api
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.tables import UsersItem
from triagelens.domain.errors import ConflictError
from triagelens.domain.people import Role

EVE = {"username": "eve", "email": "eve@example.org", "role": "doctor"}


class Office:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.admin = api.sign_up("root", Role.ADMIN)
        self.cognito = boto3.client("cognito-idp", region_name=REGION)

    def ask(self, method: str, path: str, /, **body: Any) -> tuple[int, Any]:
        answer = self.api.client.request(method, f"/v1/users{path}", json=body or None, headers=self.admin)
        return answer.status_code, answer.json() if answer.content else {}

    def known(self, username: str) -> Any:
        return self.cognito.admin_get_user(UserPoolId=self.api.pool_id, Username=username)

    def groups(self, username: str) -> list[str]:
        found = self.cognito.admin_list_groups_for_user(UserPoolId=self.api.pool_id, Username=username)
        return [group["GroupName"] for group in found["Groups"]]

    def accept(self, username: str) -> dict[str, str]:
        """The invited person replaces the first password, which moto does not mail, and signs in."""
        self.cognito.admin_set_user_password(
            UserPoolId=self.api.pool_id, Username=username, Password=PASSWORD, Permanent=True
        )
        return self.api.sign_in(username)


@pytest.fixture
def office(api: Api) -> Office:
    return Office(api)


def test_an_invited_person_has_a_first_password_a_confirmed_address_and_a_group(office: Office) -> None:
    status, told = office.ask("POST", "", **EVE)
    assert status == 201
    known = office.known("eve")
    assert known["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    attributes = {entry["Name"]: entry["Value"] for entry in known["UserAttributes"]}
    assert attributes["email_verified"] == "true"
    assert attributes["sub"] == told["id"]
    assert office.groups("eve") == ["doctor"]
    assert office.ask("POST", "", **EVE)[0] == 409
    eve = office.accept("eve")
    assert office.api.client.get("/v1/me", headers=eve).json()["role"] == "doctor"


def test_who_has_not_come_yet_is_invited_again(office: Office) -> None:
    _, told = office.ask("POST", "", **EVE)
    assert office.ask("POST", f"/{told['id']}/reset-password")[0] == 202
    assert office.known("eve")["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_role_standing_and_deletion_reach_the_pool(office: Office) -> None:
    _, told = office.ask("POST", "", **EVE)
    eve, path = office.accept("eve"), f"/{told['id']}"
    assert office.ask("PATCH", path, role="gp")[1]["role"] == "gp"
    assert office.groups("eve") == ["gp"]
    assert office.ask("PATCH", path, disabled=True)[0] == 200
    assert office.known("eve")["Enabled"] is False
    assert office.api.client.get("/v1/me", headers=eve).status_code == 403
    assert office.ask("PATCH", path, disabled=False)[0] == 200
    assert office.known("eve")["Enabled"] is True
    assert office.ask("POST", f"{path}/reset-password")[0] == 202
    assert office.known("eve")["UserStatus"] == "RESET_REQUIRED"
    assert office.api.client.get("/v1/me", headers=eve).status_code == 401
    assert office.ask("DELETE", path)[0] == 204
    with pytest.raises(office.cognito.exceptions.UserNotFoundException):
        office.known("eve")
    assert office.ask("GET", path)[0] == 404
    actions = [entry["action"] for entry in office.api.audited() if entry["action"].startswith("person.")]
    assert actions == [
        "person.create",
        *["person.change"] * 3,
        "person.reset_password",
        "person.delete",
    ]


def test_an_account_that_is_gone_from_the_pool_can_still_be_deleted(office: Office) -> None:
    _, told = office.ask("POST", "", **EVE)
    office.cognito.admin_delete_user(UserPoolId=office.api.pool_id, Username="eve")
    assert office.ask("DELETE", f"/{told['id']}")[0] == 204
    assert [item.body["username"] for item in UsersItem.scan()] == ["root"]


def test_an_address_without_confirmation_cannot_be_reset_by_mail(office: Office) -> None:
    account = {"username": "bob", "password": PASSWORD}
    office.api.client.post("/v1/auth/sign-up", json=account)
    office.api.client.post("/v1/auth/confirm", json={"username": "bob", "code": "123456"})
    (bob,) = [item.body["sub"] for item in UsersItem.gsi1.query("ROLE#patient")]
    status, told = office.ask("POST", f"/{bob}/reset-password")
    assert (status, told["code"]) == (409, "conflict")


def test_everybody_is_listed(office: Office) -> None:
    office.ask("POST", "", **EVE)
    office.api.sign_up("ada")
    found = office.ask("GET", "?limit=2")[1]
    assert [person["username"] for person in found["items"]] == ["ada", "eve"]
    rest = office.ask("GET", f"?limit=2&cursor={found['cursor']}")[1]
    assert [person["username"] for person in rest["items"]] == ["root"]
    assert rest["cursor"] is None


def test_in_the_table_two_admins_cannot_remove_each_other(office: Office) -> None:
    people = DynamoPeople("users", REGION)
    office.ask("POST", "", **{**EVE, "role": "admin"})
    first, second = people.people(Role.ADMIN, 10, None).items
    people.change_person(second.model_copy(update={"role": Role.PATIENT}), first)
    with pytest.raises(ConflictError):
        people.change_person(first.model_copy(update={"role": Role.PATIENT}), second)
    with pytest.raises(ConflictError):
        people.remove_person(first, second)
    assert [person.sub for person in people.people(Role.ADMIN, 10, None).items] == [first.sub]
