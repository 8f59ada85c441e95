"""Codes, passwords, sign-out and authenticator apps over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fake_people import SECRET
from tests.fakes import RIGHT_CODE
from tests.unit.api.conftest import SETTINGS, Fakes
from triagelens.domain.people import Role
from triagelens.services.limits import OF_ONE_ACCOUNT

PASSWORD = "correct-Horse-9"
NEW_PASSWORD = "another-Horse-10"
PROD = SETTINGS.model_copy(update={"stage": "prod"})

Told = tuple[int, dict[str, Any]]


class Desk:
    """Posts to the routes of `/v1/auth`."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes

    def post(self, path: str, headers: dict[str, str] | None = None, /, **body: Any) -> Told:
        answer = self.client.post(f"/v1/auth/{path}", json=body or None, headers=headers)
        told = answer.json() if answer.content else {}
        told.pop("correlation_id", None)
        return answer.status_code, told

    def person(self, name: str, role: Role = Role.PATIENT) -> dict[str, str]:
        """A person with a confirmed account, and their headers."""
        self.fakes.identity.sign_up(name, PASSWORD, f"{name}@example.org", None)
        self.fakes.identity.confirm(name, RIGHT_CODE)
        return self.fakes.person(name, role)

    def me(self, headers: dict[str, str]) -> int:
        status: int = self.client.get("/v1/me", headers=headers).status_code
        return status


@pytest.fixture
def desk(client: TestClient, fakes: Fakes) -> Desk:
    return Desk(client, fakes)


def test_a_sign_out_holds_for_the_next_request_within_the_same_second(desk: Desk) -> None:
    ada = desk.person("ada")
    assert desk.me(ada) == 200
    assert desk.post("sign-out", ada) == (204, {})
    assert desk.me(ada) == 401
    desk.fakes.clock.advance(milliseconds=999)
    assert desk.me(ada) == 401, "a token of this second cannot be told from one of before"
    desk.fakes.clock.advance(milliseconds=1)
    assert desk.me(ada) == 200, "a token of after the sign-out"
    assert desk.fakes.identity.signed_out == ["ada"]
    told = [(entry.action, entry.outcome) for entry in desk.fakes.audit.entries]
    assert told == [("session.sign_out", "allowed"), *[("GET /v1/me", "denied")] * 2]


def test_a_sign_in_in_the_very_second_of_a_sign_out_is_asked_to_wait(desk: Desk) -> None:
    desk.post("sign-out", desk.person("ada"))
    status, told = desk.post("sign-in", username="ada", password=PASSWORD)
    assert (status, told["code"]) == (429, "too_many_requests")
    desk.fakes.clock.advance(seconds=1)
    assert desk.post("sign-in", username="ada", password=PASSWORD)[0] == 200


def test_a_lost_race_does_not_lose_a_sign_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.person("ada")
    read, races = desk.fakes.people.person, iter(range(2))

    def outdated(sub: str) -> Any:
        found = read(sub)
        if next(races, None) is not None:
            desk.fakes.people.replace_person(found)  # somebody else is quicker
        return found

    monkeypatch.setattr(desk.fakes.people, "person", outdated)
    assert desk.post("sign-out", ada)[0] == 204
    assert desk.me(ada) == 401


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("resend", {}, 202),
        ("forgot-password", {}, 202),
        ("confirm", {"code": "000000"}, 400),
        ("reset-password", {"code": "000000", "new_password": NEW_PASSWORD}, 400),
        ("reset-password", {"code": RIGHT_CODE, "new_password": "weak"}, 422),
        ("sign-in", {"password": "wrong"}, 401),
        ("totp", {"password": "wrong"}, 401),
        ("totp/verify", {"password": "wrong", "new_code": RIGHT_CODE}, 401),
    ],
)
def test_known_and_unknown_accounts_sound_alike_however_often_one_asks(
    desk: Desk, path: str, more: dict[str, Any], status: int
) -> None:
    desk.person("ada")
    tries = OF_ONE_ACCOUNT.free + 1
    known = [desk.post(path, username="ada", **more) for _ in range(tries)]
    unknown = [desk.post(path, username="nobody", **more) for _ in range(tries)]
    assert known == unknown
    assert [code for code, _ in known] == [*([status] * (tries - 1)), 429]


def test_too_many_attempts_are_told_when_to_come_back(desk: Desk) -> None:
    desk.person("ada")
    for _ in range(OF_ONE_ACCOUNT.free):
        desk.post("sign-in", username="ada", password="wrong")
    body = {"username": "ada", "password": PASSWORD}
    answer = desk.client.post("/v1/auth/sign-in", json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["Retry-After"] == "1"
    forged = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    assert desk.client.post("/v1/auth/sign-in", json=body, headers=forged).status_code == 429
    desk.fakes.clock.advance(seconds=1)
    assert desk.client.post("/v1/auth/sign-in", json=body).status_code == 200


def test_a_forgotten_password_is_reset_and_old_sessions_end(desk: Desk) -> None:
    ada = desk.person("ada")
    assert desk.post("forgot-password", username="ada")[0] == 202
    assert desk.fakes.passwords.mailed == ["ada"]
    new = {"username": "ada", "code": RIGHT_CODE, "new_password": NEW_PASSWORD}
    assert desk.post("reset-password", **new)[0] == 200
    assert desk.me(ada) == 401
    desk.fakes.clock.advance(seconds=1)
    assert desk.post("sign-in", username="ada", password=PASSWORD)[0] == 401
    assert desk.post("sign-in", username="ada", password=NEW_PASSWORD)[0] == 200
    (entry,) = [entry for entry in desk.fakes.audit.entries if entry.action == "password.reset"]
    assert entry.actor == entry.subject == "sub-ada"


def test_a_password_is_changed_by_who_knows_it_and_old_sessions_end(desk: Desk) -> None:
    ada = desk.person("ada")
    wrong = desk.post("change-password", ada, old_password="wrong", new_password=NEW_PASSWORD)
    assert (wrong[0], wrong[1]["code"]) == (403, "wrong_password")
    weak = desk.post("change-password", ada, old_password=PASSWORD, new_password="weak")
    assert (weak[0], weak[1]["code"]) == (422, "password_refused")
    assert desk.post("change-password", ada, old_password=PASSWORD, new_password=NEW_PASSWORD)[0] == 200
    assert desk.me(ada) == 401
    desk.fakes.clock.advance(seconds=1)
    assert desk.post("sign-in", username="ada", password=NEW_PASSWORD)[0] == 200
    outcomes = [e.outcome for e in desk.fakes.audit.entries if e.action == "password.change"]
    assert outcomes == ["denied", "allowed"]


def test_a_stolen_token_cannot_guess_the_password_for_long(desk: Desk) -> None:
    ada = desk.person("ada")
    body = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    statuses = [desk.post("change-password", ada, **body)[0] for _ in range(OF_ONE_ACCOUNT.free + 1)]
    assert statuses == [*([403] * OF_ONE_ACCOUNT.free), 429]


def test_a_code_is_sent_again_to_who_waits_for_one(desk: Desk) -> None:
    desk.fakes.identity.sign_up("eve", PASSWORD, "eve@example.org", None)
    desk.person("ada")
    answers = [desk.post("resend", username=name) for name in ("eve", "ada", "nobody")]
    assert answers[0] == answers[1] == answers[2]
    assert desk.fakes.identity.resent == ["eve"]


def test_an_authenticator_app_is_set_up_with_the_password_and_then_asked_for(desk: Desk) -> None:
    desk.person("ada")
    account = {"username": "ada", "password": PASSWORD}
    status, told = desk.post("totp", **account)
    assert status == 200
    assert told["secret"] == SECRET
    assert told["uri"] == f"otpauth://totp/Triagelens:ada?secret={SECRET}&issuer=Triagelens"
    assert desk.post("sign-in", **account)[0] == 200, "nothing has changed yet"
    wrong = desk.post("totp/verify", **account, new_code="000000")
    assert (wrong[0], wrong[1]["code"]) == (400, "confirmation_failed")
    assert desk.post("totp/verify", **account, new_code=RIGHT_CODE)[0] == 200
    assert desk.post("sign-in", **account)[1]["challenge"] == "SOFTWARE_TOKEN_MFA"
    assert desk.post("sign-in", **account, code=RIGHT_CODE)[0] == 200
    assert desk.fakes.people.person("sub-ada").second_factor
    assert desk.post("totp", **account)[1]["challenge"] == "SOFTWARE_TOKEN_MFA", "a new app needs the old"
    assert desk.post("totp", **account, code=RIGHT_CODE)[0] == 200


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.ADMIN])
def test_in_production_some_roles_get_nowhere_without_an_authenticator_app(desk: Desk, role: Role) -> None:
    doc = desk.person("doc", role)
    assert desk.post("sign-in", username="doc", password=PASSWORD)[0] == 200, "elsewhere it is their choice"
    desk.fakes.settings = PROD
    account = {"username": "doc", "password": PASSWORD}
    status, told = desk.post("sign-in", **account)
    assert (status, told["code"]) == (403, "second_factor_required")
    assert "/v1/auth/totp" in told["detail"]
    assert "access_token" not in told
    for path in ("/v1/me", "/v1/images", "/v1/models", "/v1/specialties"):
        answer = desk.client.get(path, headers=doc)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert desk.post("totp", **account)[0] == 200
    assert desk.post("totp/verify", **account, new_code=RIGHT_CODE)[0] == 200
    assert desk.me(doc) == 200
    assert desk.post("sign-in", **account, code=RIGHT_CODE)[0] == 200


def test_in_production_the_code_that_is_shown_counts_and_not_the_one_remembered(desk: Desk) -> None:
    desk.person("doc", Role.DOCTOR)
    desk.fakes.settings = PROD
    account = {"username": "doc", "password": PASSWORD}
    desk.post("totp/verify", **account, new_code=RIGHT_CODE)
    desk.fakes.identity.challenges.clear()  # the provider has been told to ask for none
    assert desk.post("sign-in", **account)[1]["code"] == "second_factor_required"


def test_in_production_patients_may_come_without_an_authenticator_app(desk: Desk) -> None:
    ada = desk.person("ada")
    desk.fakes.settings = PROD
    assert desk.post("sign-in", username="ada", password=PASSWORD)[0] == 200
    assert desk.me(ada) == 200


def test_a_verified_app_that_was_not_remembered_is_remembered_at_sign_in(desk: Desk) -> None:
    doc = desk.person("doc", Role.DOCTOR)
    desk.fakes.settings = PROD
    desk.fakes.identity.challenges["doc"] = "SOFTWARE_TOKEN_MFA"  # verified, and then the process died
    assert desk.me(doc) == 403
    assert desk.post("sign-in", username="doc", password=PASSWORD, code=RIGHT_CODE)[0] == 200
    assert desk.me(doc) == 200
