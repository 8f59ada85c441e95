"""From a former system's users.json to a first sign-in. The trigger is called as Cognito would call it."""

import io
import json
from typing import Any

import bcrypt
import boto3
import pytest
from botocore.exceptions import ClientError

import migrate_user.handler
import migrate_user.settings
from clinic_api.compat.allcare_shapes import User
from clinic_api.deps import people, ports
from clinic_api.observability import logger
from tests.cloud import REGION, FakeContext
from tests.integration.api.conftest import Api
from tests.integration.erasing import begin_anew, work
from triagelens.adapters.dynamodb.migrations import DynamoMigrations
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.tables import UsersItem
from triagelens.domain.errors import SignInError
from triagelens.domain.people import Role

PASSWORD = "Former-pass-1"  # moto holds it to its own rules
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
JOHN = {"password_hash": HASH, "first_name": "John", "last_name": "Quux", "role": "doctor"}


class Former:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.admin = api.sign_up("root", Role.ADMIN)
        self.cognito: Any = boto3.client("cognito-idp", region_name=REGION)
        attribute: Any = {"Name": "migration", "AttributeDataType": "String", "Mutable": True}
        self.cognito.add_custom_attributes(UserPoolId=api.pool_id, CustomAttributes=[attribute])
        for cached in (migrate_user.settings.settings, migrate_user.handler.proving):
            cached.cache_clear()

    def take(self, users: dict[str, Any], **body: Any) -> Any:
        sent = {"users": [{"username": name, **user} for name, user in users.items()], **body}
        answer = self.api.client.post("/v1/users/migrations", json=sent, headers=self.admin)
        assert answer.status_code == 200, answer.text
        return {one["username"]: one["verdict"] for one in answer.json()["results"]}

    def trigger(self, username: str, password: str | None, source: str = "Authentication") -> Any:
        request = {"password": password} if password is not None else {}
        event = {
            "triggerSource": f"UserMigration_{source}",
            "userName": username,
            "request": request,
            "response": {"userAttributes": None, "finalUserStatus": None, "messageAction": None},
        }
        return migrate_user.handler.handler(event, FakeContext())["response"]

    def first_sign_in(self, username: str) -> Any:
        """What Cognito does at a sign-in with a name that it does not know; moto knows no triggers."""
        said = self.trigger(username, PASSWORD)
        assert (said["finalUserStatus"], said["messageAction"]) == ("CONFIRMED", "SUPPRESS")
        attributes = [{"Name": name, "Value": value} for name, value in said["userAttributes"].items()]
        pool = {"UserPoolId": self.api.pool_id, "Username": username}
        self.cognito.admin_create_user(**pool, UserAttributes=attributes, MessageAction="SUPPRESS")
        self.cognito.admin_set_user_password(**pool, Password=PASSWORD, Permanent=True)
        return self.sign_in(username).status_code

    def sign_in(self, username: str, password: str = PASSWORD) -> Any:
        body = {"username": username, "password": password}
        return self.api.client.post("/v1/auth/sign-in", json=body)


@pytest.fixture
def former(api: Api) -> Former:
    return Former(api)


def test_somebody_comes_over_with_role_name_and_password(former: Former) -> None:
    assert former.take({"user001": JOHN}) == {"user001": "taken"}
    assert former.first_sign_in("user001") == 200
    token = former.sign_in("user001").json()["access_token"]
    me = former.api.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["role"], me["name"], me["username"]) == ("doctor", "John Quux", "user001")
    left = DynamoMigrations("users", REGION).migration("user001")
    assert left is not None
    assert (left.sealed_hash, left.sub) == (None, me["id"])
    assert former.take({"user001": JOHN}) == {"user001": "known"}


def test_both_of_somebodys_names_come_over_for_the_former_app(former: Former) -> None:
    former.take({"user001": {**JOHN, "last_name": "van der Quux"}})
    former.first_sign_in("user001")
    left = DynamoMigrations("users", REGION).migration("user001")
    assert left is not None
    assert left.sub is not None
    user = User.of(DynamoPeople("users", REGION).person(left.sub))
    assert (user.first_name, user.last_name) == ("John", "van der Quux")


def test_the_table_holds_no_hash_in_the_clear_and_none_at_all_afterwards(former: Former) -> None:
    former.take({"user001": JOHN})
    (item,) = [item for item in UsersItem.scan() if item.kind == "migration"]
    assert HASH not in json.dumps(item.body)
    assert item.body["sealed_hash"]
    former.first_sign_in("user001")
    (item,) = [item for item in UsersItem.scan() if item.kind == "migration"]
    assert item.body["sealed_hash"] is None


def test_a_hash_that_is_moved_to_another_name_opens_nothing(former: Former) -> None:
    former.take({"user001": JOHN, "user002": {**JOHN, "role": "admin"}})
    first = UsersItem.get("MIGRATION#user001", "META")
    second = UsersItem.get("MIGRATION#user002", "META")
    second.body = {**second.body, "sealed_hash": first.body["sealed_hash"]}
    second.save()
    with pytest.raises(ClientError):
        former.trigger("user002", PASSWORD)


@pytest.mark.parametrize(
    ("username", "password", "source"),
    [
        ("user001", "wrong", "Authentication"),
        ("user001", "", "Authentication"),
        ("nobody", PASSWORD, "Authentication"),
        ("user001", None, "ForgotPassword"),
        ("nobody", None, "ForgotPassword"),
    ],
)
def test_the_trigger_says_no_in_the_same_words(
    former: Former, username: str, password: str | None, source: str
) -> None:
    former.take({"user001": JOHN})
    with pytest.raises(SignInError, match=r"^The username or password is not right\.$"):
        former.trigger(username, password, source)


@pytest.mark.parametrize(
    "code", ["UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException"]
)
def test_whatever_the_trigger_makes_of_it_a_sign_in_and_a_forgotten_password_tell_nothing(
    former: Former, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "user001"}}, "InitiateAuth")

    unknown = former.sign_in("nobody", "wrong")
    monkeypatch.setattr(vars(ports.identity())["_client"], "initiate_auth", refused)
    answer = former.sign_in("user001", "wrong")
    assert (answer.status_code, answer.json()["detail"]) == (401, unknown.json()["detail"])
    monkeypatch.setattr(vars(people.password_provider())["_client"], "forgot_password", refused)
    forgot = former.api.client.post("/v1/auth/forgot-password", json={"username": "user001"})
    assert forgot.status_code == 202


def test_only_admins_take_people_over_and_bad_batches_are_refused(former: Former) -> None:
    users = [{"username": "user001", **JOHN}]
    path = "/v1/users/migrations"
    doctor = former.api.sign_up("doc", Role.DOCTOR)
    assert former.api.client.post(path, json={"users": users}, headers=doctor).status_code == 403
    nameless = {"username": "a b", **JOHN}
    bodies: list[dict[str, Any]] = [{}, {"users": []}, {"users": users * 51}, {"users": [nameless]}]
    for body in bodies:
        answer = former.api.client.post(path, json=body, headers=former.admin)
        assert answer.status_code == 422
        assert HASH not in answer.text
    assert [item for item in UsersItem.scan() if item.kind == "migration"] == []


def test_neither_hash_nor_password_is_ever_logged(former: Former, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    for one in (logger, migrate_user.handler.logger):
        monkeypatch.setattr(one.registered_handler, "stream", out)
    former.take({"user001": JOHN, "user002": {**JOHN, "role": "wizard"}})
    former.first_sign_in("user001")
    with pytest.raises(SignInError):
        former.trigger("user001", "another-secret")
    told = out.getvalue() + json.dumps(former.api.audited())
    assert "answered" in told
    for secret in (HASH, PASSWORD, "another-secret", "Quux", "user001"):
        assert secret not in told


def a_patient(former: Former) -> str:
    body = {"name": "Zoe Quux", "number": "P-7"}
    answer = former.api.client.post("/v1/patients", json=body, headers=former.admin)
    assert answer.status_code == 201, answer.text
    patient_id: str = answer.json()["patient_id"]
    return patient_id


def test_a_patient_comes_over_and_sees_the_record_that_is_theirs(former: Former) -> None:
    patient_id = a_patient(former)
    zoe = {"password_hash": HASH, "role": "patient", "patient_id": patient_id}
    assert former.take({"zoe": zoe}) == {"zoe": "taken"}
    record = former.api.client.get(f"/v1/patients/{patient_id}", headers=former.admin).json()
    assert record["username"] is None
    assert former.first_sign_in("zoe") == 200
    token = former.sign_in("zoe").json()["access_token"]
    own = former.api.client.get("/v1/patients", headers={"Authorization": f"Bearer {token}"}).json()["items"]
    assert [(one["patient_id"], one["username"]) for one in own] == [(patient_id, "zoe")]


@pytest.mark.parametrize("came", [False, True])
def test_an_erased_patient_leaves_no_former_name_or_password_behind(former: Former, came: bool) -> None:
    patient_id = a_patient(former)
    former.take({"zoe": {"password_hash": HASH, "role": "patient", "patient_id": patient_id}})
    if came:
        assert former.first_sign_in("zoe") == 200
    begin_anew()
    erased = former.api.client.delete(f"/v1/patients/{patient_id}", headers=former.admin)
    assert erased.status_code == 202
    (message,) = former.api.cloud.waiting("erasure")
    assert work(message) == []
    assert [item for item in UsersItem.scan() if item.kind == "migration"] == []
    with pytest.raises(SignInError):
        former.trigger("zoe", PASSWORD)
    again = former.take({"zoe": {"password_hash": HASH, "role": "patient", "patient_id": patient_id}})
    assert again == {"zoe": "refused"}


def test_what_somebody_said_of_the_former_system_is_theirs_once_they_come(former: Former) -> None:
    said = {"rating": 4, "text": "Fast.", "submitted_at": "2025-05-08T10:00:00Z"}
    assert former.take({"user001": {**JOHN, "feedback": said}}) == {"user001": "taken"}
    assert former.api.client.get("/v1/feedback", headers=former.admin).json()["items"] == []
    assert former.first_sign_in("user001") == 200
    (given,) = former.api.client.get("/v1/feedback", headers=former.admin).json()["items"]
    assert {name: given[name] for name in said} == said
    token = former.sign_in("user001").json()["access_token"]
    mine = former.api.client.get("/v1/feedback/mine", headers={"Authorization": f"Bearer {token}"}).json()
    assert mine["given"] is True
    (item,) = [item for item in UsersItem.scan() if item.kind == "migration"]
    assert item.body["feedback"] is None
    for wrong in (
        {"rating": 6},
        {"rating": 1, "submitted_at": "1969-01-01T00:00:00Z"},
        {"text": "No rating"},
    ):
        sent = {"users": [{"username": "user002", **JOHN, "feedback": wrong}]}
        answer = former.api.client.post("/v1/users/migrations", json=sent, headers=former.admin)
        assert answer.status_code == 422
