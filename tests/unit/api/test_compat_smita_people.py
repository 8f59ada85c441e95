"""SMITA's people and their feedback, in its own words."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tests.fake_people import FIRST_PASSWORD
from tests.fakes import RIGHT_CODE
from tests.unit.api.conftest import SETTINGS, Fakes
from triagelens.domain.people import Role

PASSWORD = "Quite-unusual-42-words"
Ask = Callable[..., Response]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Sends one request of the app: method, path, headers of a person, body."""

    def send(method: str, path: str, by: dict[str, str] | None = None, **sent: Any) -> Response:
        answer: Response = client.request(method, f"/compat/smita{path}", headers=by or {}, **sent)
        return answer

    return send


def test_a_login_gives_a_token_and_says_who_one_is(ask: Ask, fakes: Fakes) -> None:
    account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, "role": "admin"}
    assert ask("POST", "/signup", json=account).status_code == 201
    early = ask("POST", "/login", json={"username": "ada", "password": PASSWORD})
    assert (early.status_code, early.json()["code"]) == (401, "sign_in_failed")
    confirmed = ask("POST", "/verify-otp", json={"username": "ada", "otp": RIGHT_CODE})
    assert confirmed.status_code == 200
    answer = ask("POST", "/login", json={"email": "ada", "password": PASSWORD})
    user = {"id": "sub-ada", "username": "ada", "name": None, "email": "ada@example.org", "role": "patient"}
    assert answer.json() == {"access_token": "sub-ada", "expires_in": 3600, "user": user}


@pytest.mark.parametrize(
    ("challenge", "given"),
    [("SOFTWARE_TOKEN_MFA", {"code": RIGHT_CODE}), ("NEW_PASSWORD_REQUIRED", {"new_password": PASSWORD})],
)
def test_what_a_login_needs_beyond_the_password_is_said_and_can_be_sent(
    ask: Ask, fakes: Fakes, challenge: str, given: dict[str, str]
) -> None:
    fakes.directory.invite("ada", "ada@example.org", None)
    fakes.person("ada")
    fakes.identity.challenges["ada"] = challenge
    body = {"username": "ada", "password": FIRST_PASSWORD}
    asked = ask("POST", "/login", json=body)
    assert (asked.status_code, asked.json()["code"], asked.json()["challenge"]) == (
        409,
        "challenge_required",
        challenge,
    )
    assert ask("POST", "/login", json=body | given).status_code == 200


def test_a_doctor_without_an_authenticator_app_is_told_where_to_set_one_up(ask: Ask, fakes: Fakes) -> None:
    fakes.settings = SETTINGS.model_copy(update={"stage": "prod"})
    fakes.directory.invite("doc", "doc@example.org", None)
    fakes.directory.accept("doc")
    fakes.person("doc", Role.DOCTOR)
    answer = ask("POST", "/login", json={"username": "doc", "password": FIRST_PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert "POST /v1/auth/totp" in answer.json()["error"]


def test_a_forgotten_password_is_replaced_and_every_session_ends(ask: Ask, fakes: Fakes) -> None:
    fakes.directory.invite("ada", "ada@example.org", None)
    fakes.directory.accept("ada")
    fakes.person("ada")
    ask("POST", "/forgot-password", json={"email": "ada"})
    assert fakes.passwords.mailed == ["ada"]
    body = {"username": "ada", "otp": RIGHT_CODE, "new_password": PASSWORD}
    assert ask("POST", "/reset-password", json=body).status_code == 200
    assert fakes.identity.passwords["ada"] == PASSWORD
    assert fakes.identity.signed_out == ["ada"]


def test_feedback_is_given_once_read_and_reset(ask: Ask, fakes: Fakes) -> None:
    ada, admin = fakes.person("ada"), fakes.person("root", Role.ADMIN)
    assert ask("GET", "/check_feedback", ada).json() == {"submitted": False, "feedback": None}
    for rating, text in ((2, "Slow."), (4, None)):
        ask("POST", "/submit_feedback", ada, json={"rating": rating, "feedback": text})
    assert ask("GET", "/check_feedback", ada).json()["submitted"] is True
    told = ask("GET", "/admin/feedbacks", admin).json()
    assert [(f["user_id"], f["rating"], f["feedback"]) for f in told["feedbacks"]] == [("sub-ada", 4, None)]
    reset = ask("DELETE", "/reset-feedback", admin).json()
    assert reset == {"message": "Feedback was reset.", "deleted": 1, "more": False}
    assert ask("GET", "/check_feedback", ada).json()["submitted"] is False


def test_users_of_every_role_come_page_by_page(ask: Ask, fakes: Fakes) -> None:
    admin = fakes.person("root", Role.ADMIN)
    fakes.person("ada")
    fakes.person("greta", Role.GP)
    first = ask("GET", "/admin/users", admin, params={"limit": 2}).json()
    rest = ask("GET", "/admin/users", admin, params={"cursor": first["cursor"]}).json()
    shown = [(user["username"], user["role"]) for user in (*first["users"], *rest["users"])]
    assert shown == [("ada", "patient"), ("greta", "gp"), ("root", "admin")]
    assert rest["cursor"] is None
