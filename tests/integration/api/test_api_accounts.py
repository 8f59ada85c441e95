"""Sign-up and sign-in against a user pool, and what a stranger can learn from them: nothing."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from clinic_api.deps import ports
from tests.cloud import REGION
from tests.integration.api.conftest import PASSWORD, Api
from triagelens.adapters import cognito
from triagelens.adapters.dynamodb.tables import UsersItem
from triagelens.domain.people import Person, Role


def post(api: Api, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = api.client.post(f"/v1/auth/{path}", json=body)
    told = answer.json()
    told.pop("correlation_id", None)
    return answer.status_code, told


def test_a_session_is_refreshed_without_the_password(api: Api) -> None:
    api.sign_up("ada")
    status, tokens = post(api, "sign-in", username="ada", password=PASSWORD)
    assert (status, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", 3600)
    status, fresh = post(api, "refresh", refresh_token=tokens["refresh_token"])
    assert status == 200
    me = api.client.get("/v1/me", headers={"Authorization": f"Bearer {fresh['access_token']}"})
    assert me.json()["username"] == "ada"
    assert post(api, "refresh", refresh_token="forged")[0] == 401


def test_signing_up_with_a_known_and_an_unknown_name_sounds_alike(api: Api) -> None:
    api.sign_up("ada")
    known = post(api, "sign-up", username="ada", password=PASSWORD)
    unknown = post(api, "sign-up", username="bob", password=PASSWORD)
    assert known == unknown
    assert known[0] == 202


def test_confirming_a_known_and_an_unknown_name_with_a_wrong_code_sounds_alike(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(api, "sign-up", username="ada", password=PASSWORD)
    _refuse(monkeypatch, "confirm_sign_up", "CodeMismatchException")
    known = post(api, "confirm", username="ada", code="000000")
    unknown = post(api, "confirm", username="nobody", code="000000")
    assert known == unknown
    assert (known[0], known[1]["code"]) == (400, "confirmation_failed")


def test_every_refused_sign_in_sounds_alike(api: Api) -> None:
    api.sign_up("ada")
    post(api, "sign-up", username="unconfirmed", password=PASSWORD)
    answers = [
        post(api, "sign-in", username="ada", password="wrong"),
        post(api, "sign-in", username="nobody", password=PASSWORD),
        post(api, "sign-in", username="unconfirmed", password=PASSWORD),
        post(api, "sign-in", username="ada@example.org", password="wrong"),
    ]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(told) for _, told in answers}) == 1


def test_sign_ins_are_in_the_audit_trail_under_opaque_ids(api: Api) -> None:
    ada = api.sign_up("ada")
    post(api, "sign-in", username="ada", password="wrong")
    sub = api.client.get("/v1/me", headers=ada).json()["id"]
    allowed, denied = [entry for entry in api.audited() if entry["action"] == "session.sign_in"]
    assert (allowed["actor"], allowed["outcome"]) == (sub, "allowed")
    assert (denied["actor"], denied["outcome"]) == ("anonymous", "denied")
    assert "ada" not in json.dumps([{**e, "actor": "", "subject": ""} for e in (allowed, denied)])


def test_confirming_repairs_a_sign_up_whose_record_was_never_written(api: Api) -> None:
    post(api, "sign-up", username="ada", password=PASSWORD, email="ada@example.org", name="Ada")
    (item,) = UsersItem.scan()
    item.delete()
    assert post(api, "confirm", username="ada", code="123456")[0] == 200
    me = api.client.get("/v1/me", headers=api.sign_in("ada")).json()
    assert (me["role"], me["email"]) == ("patient", "ada@example.org")


def test_confirming_again_does_not_take_a_role_away(api: Api) -> None:
    doctor = api.sign_up("doc", Role.DOCTOR)
    post(api, "confirm", username="doc", code="123456")
    assert api.client.get("/v1/me", headers=doctor).json()["role"] == "doctor"


def test_an_invited_person_is_asked_for_a_new_password_and_may_send_it_along(api: Api) -> None:
    invite(api, "eve")
    first = {"username": "eve", "password": "Temporary-1-password"}
    status, told = post(api, "sign-in", **first)
    assert (status, told["code"], told["challenge"]) == (409, "challenge_required", "NEW_PASSWORD_REQUIRED")
    assert post(api, "sign-in", **first, new_password=PASSWORD)[0] == 200
    assert post(api, "sign-in", username="eve", password=PASSWORD)[0] == 200


def test_an_enrolled_person_sends_the_code_along(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.sign_up("ada")
    client = cognito.cognito_client(REGION)
    genuine = client.initiate_auth(
        ClientId=api.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    challenge = {
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": "s",
        "ChallengeParameters": {"USER_ID_FOR_SRP": "ada"},
    }
    met: list[dict[str, Any]] = []

    def meet(**request: Any) -> Any:
        met.append(request)
        return genuine

    monkeypatch.setattr(client, "initiate_auth", lambda **_: challenge)
    monkeypatch.setattr(client, "respond_to_auth_challenge", meet)
    account = {"username": "ada@example.org", "password": PASSWORD}
    assert post(api, "sign-in", **account)[1]["challenge"] == "SOFTWARE_TOKEN_MFA"
    assert post(api, "sign-in", **account, code="654321")[0] == 200
    assert met[0]["ChallengeResponses"] == {"USERNAME": "ada", "SOFTWARE_TOKEN_MFA_CODE": "654321"}


def test_a_wrong_code_a_weak_new_password_and_an_unknown_challenge_are_told_apart(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cognito.cognito_client(REGION)
    asked = {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "s", "ChallengeParameters": {}}
    account = {"username": "ada", "password": PASSWORD, "code": "000000", "new_password": "weak"}

    def sign_in_when(challenge: str, refusal: str) -> tuple[int, str]:
        monkeypatch.setattr(client, "initiate_auth", lambda **_: {**asked, "ChallengeName": challenge})
        _refuse(monkeypatch, "respond_to_auth_challenge", refusal)
        status, told = post(api, "sign-in", **account)
        return status, told["code"]

    assert sign_in_when("SOFTWARE_TOKEN_MFA", "CodeMismatchException") == (401, "sign_in_failed")
    weak = sign_in_when("NEW_PASSWORD_REQUIRED", "InvalidPasswordException")
    assert weak == (422, "password_refused")
    assert sign_in_when("MFA_SETUP", "unused") == (409, "challenge_required")
    monkeypatch.setattr(client, "initiate_auth", lambda **_: asked)
    monkeypatch.setattr(client, "respond_to_auth_challenge", lambda **_: asked)  # and again, and again
    assert post(api, "sign-in", **account)[1]["challenge"] == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize(
    ("operation", "path", "body"),
    [
        ("sign_up", "sign-up", {"username": "ada", "password": PASSWORD}),
        ("admin_get_user", "confirm", {"username": "ada", "code": "123456"}),
        ("initiate_auth", "sign-in", {"username": "ada", "password": PASSWORD}),
        ("initiate_auth", "refresh", {"refresh_token": "x"}),
    ],
)
@pytest.mark.parametrize("code", ["TooManyRequestsException", "LimitExceededException"])
def test_a_throttled_pool_asks_to_come_back_later(
    api: Api, operation: str, path: str, body: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch, operation, code)
    answer = api.client.post(f"/v1/auth/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("code", "status"), [("InvalidPasswordException", 422), ("InvalidParameterException", 400)]
)
def test_what_the_pool_refuses_at_sign_up_is_said(
    api: Api, code: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch, "sign_up", code)
    assert post(api, "sign-up", username="ada", password=PASSWORD)[0] == status


def test_a_fault_of_the_pool_is_a_500_that_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(monkeypatch, "initiate_auth", "InternalErrorException")
    status, told = post(api, "sign-in", username="ada", password=PASSWORD)
    assert (status, told["code"]) == (500, "internal_error")
    assert "InternalErrorException" not in json.dumps(told)


def test_a_mail_that_could_not_be_sent_still_makes_the_record(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cognito.cognito_client(REGION)
    sign_up = client.sign_up

    def undelivered(**request: Any) -> Any:
        sign_up(**request)
        raise _error("CodeDeliveryFailureException", "SignUp")

    monkeypatch.setattr(client, "sign_up", undelivered)
    assert post(api, "sign-up", username="ada", password=PASSWORD)[0] == 202
    assert [item.body["username"] for item in UsersItem.scan()] == ["ada"]


def invite(api: Api, username: str) -> None:
    """An account as an admin's invitation makes it, but with a password that the test knows."""
    made = boto3.client("cognito-idp", region_name=REGION).admin_create_user(
        UserPoolId=api.pool_id, Username=username, TemporaryPassword="Temporary-1-password"
    )
    sub = next(entry["Value"] for entry in made["User"]["Attributes"] if entry["Name"] == "sub")
    person = Person(sub=sub, username=username, role=Role.PATIENT, created_at=ports.utc_now())
    ports.people().add_person(person)


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def _refuse(monkeypatch: pytest.MonkeyPatch, operation: str, code: str) -> None:
    """From now on the pool refuses this operation."""

    def refused(**_: Any) -> Any:
        raise _error(code, operation)

    ports.identity()  # the client is made before it is changed
    monkeypatch.setattr(cognito.cognito_client(REGION), operation, refused)
