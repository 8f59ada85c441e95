"""Sign-out, passwords, authenticator apps and limits against a user pool."""

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from clinic_api.deps import people, ports
from tests.cloud import REGION
from tests.fakes import FakeClock
from tests.integration.api.conftest import PASSWORD, Api
from triagelens.adapters import cognito
from triagelens.adapters.dynamodb.tables import UsersItem
from triagelens.domain.people import Role
from triagelens.services.limits import OF_ONE_ACCOUNT

NEW_PASSWORD = "another-Horse-10"


def post(api: Api, path: str, headers: dict[str, str] | None = None, /, **body: Any) -> tuple[int, Any]:
    answer = api.client.post(f"/v1/auth/{path}", json=body or None, headers=headers)
    told = answer.json() if answer.content else {}
    told.pop("correlation_id", None)
    return answer.status_code, told


def me(api: Api, headers: dict[str, str]) -> int:
    status: int = api.client.get("/v1/me", headers=headers).status_code
    return status


def later() -> None:
    """Lets the second end in which sessions were ended: as if they had been a second before."""
    for item in UsersItem.scan():
        if item.body.get("valid_after"):
            ended = datetime.fromisoformat(item.body["valid_after"]) - timedelta(seconds=2)
            item.body = {**item.body, "valid_after": ended.isoformat()}
            item.save()


def test_a_sign_out_revokes_access_and_refresh_tokens_alike(api: Api) -> None:
    ada = api.sign_up("ada")
    _, tokens = post(api, "sign-in", username="ada", password=PASSWORD)
    assert post(api, "sign-out", ada)[0] == 204
    assert me(api, ada) == 401
    assert me(api, {"Authorization": f"Bearer {tokens['access_token']}"}) == 401, "on every device"
    refreshed, _ = post(api, "refresh", refresh_token=tokens["refresh_token"])
    assert refreshed == 401


def test_a_forgotten_password_is_replaced(api: Api) -> None:
    ada = api.sign_up("ada")
    known, unknown = (post(api, "forgot-password", username=name) for name in ("ada", "nobody"))
    assert known == unknown
    body = {"username": "ada", "code": "123456", "new_password": NEW_PASSWORD}
    assert post(api, "reset-password", **body)[0] == 200
    assert me(api, ada) == 401
    later()
    assert post(api, "sign-in", username="ada", password=PASSWORD)[0] == 401
    assert post(api, "sign-in", username="ada", password=NEW_PASSWORD)[0] == 200


def test_a_password_is_changed_by_who_knows_it(api: Api) -> None:
    ada = api.sign_up("ada")
    change = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    assert post(api, "change-password", ada, **change)[0] == 403
    assert post(api, "change-password", ada, **{**change, "old_password": PASSWORD})[0] == 200
    assert me(api, ada) == 401
    later()
    assert post(api, "sign-in", username="ada", password=NEW_PASSWORD)[0] == 200


@pytest.mark.parametrize(
    ("operation", "path", "more", "codes"),
    [
        (
            "resend_confirmation_code",
            "resend",
            {},
            ["UserNotFoundException", "InvalidParameterException", "LimitExceededException"],
        ),
        (
            "forgot_password",
            "forgot-password",
            {},
            ["UserNotFoundException", "NotAuthorizedException", "LimitExceededException"],
        ),
        (
            "confirm_forgot_password",
            "reset-password",
            {"code": "000000", "new_password": NEW_PASSWORD},
            ["CodeMismatchException", "ExpiredCodeException", "LimitExceededException"],
        ),
    ],
)
def test_whatever_the_pool_says_of_an_account_is_not_passed_on(
    api: Api,
    operation: str,
    path: str,
    more: dict[str, str],
    codes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = []
    for code in codes:
        refuse(monkeypatch, operation, code)
        answers.append(post(api, path, username=code, **more))
    assert [answer == answers[0] for answer in answers] == [True] * len(codes)
    assert answers[0][0] in {202, 400}
    refuse(monkeypatch, operation, "TooManyRequestsException")
    assert post(api, path, username="somebody", **more)[0] == 429, "the whole pool's limit tells nothing"
    refuse(monkeypatch, operation, "InternalErrorException")
    assert post(api, path, username="else", **more)[0] == 500


def test_an_authenticator_app_is_set_up_and_its_code_asked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.sign_up("ada")
    account = {"username": "ada", "password": PASSWORD}
    status, told = post(api, "totp", **account)
    assert status == 200
    assert told["secret"] in told["uri"]
    with monkeypatch.context() as patch:
        refuse(patch, "verify_software_token", "EnableSoftwareTokenMFAException")
        assert post(api, "totp/verify", **account, new_code="000000")[0] == 400
    assert post(api, "totp/verify", **account, new_code="123456")[0] == 200
    known = boto3.client("cognito-idp", region_name=REGION).admin_get_user(
        UserPoolId=api.pool_id, Username="ada"
    )
    assert known["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    assert known["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    (item,) = UsersItem.gsi1.query("ROLE#patient")
    assert item.body["second_factor"] is True


def test_guessing_is_slowed_down_for_the_guesser_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.sign_up("doc", Role.DOCTOR)
    for _ in range(OF_ONE_ACCOUNT.free):
        assert post(api, "sign-in", username="doc", password="wrong")[0] == 401
    right = {"username": "doc", "password": PASSWORD}
    answer = api.client.post("/v1/auth/sign-in", json=right)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    here = people.attempts()
    monkeypatch.setattr(here, "_clock", FakeClock(ports.utc_now() + timedelta(seconds=2)))
    assert post(api, "sign-in", **right)[0] == 200


def refuse(monkeypatch: pytest.MonkeyPatch, operation: str, code: str) -> None:
    """From now on the pool refuses this operation."""

    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": code}}, operation)

    ports.identity()  # the client is made before it is changed
    monkeypatch.setattr(cognito.cognito_client(REGION), operation, refused)
