"""Answers of the former systems' routes that no contract shows: see tests/contracts/elsewhere.py."""

import pytest
from fastapi.testclient import TestClient

from tests.fake_people import FIRST_PASSWORD
from tests.unit.api.conftest import SETTINGS, Fakes
from triagelens.domain.people import Role

PASSWORD = "Quite-unusual-42-words"
WRONG = {"username": "ada", "password": "wrong"}


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("smita/login", WRONG, 401),
        ("smita/verify-otp", {"username": "ada", "otp": "999999"}, 400),
        ("smita/reset-password", {"username": "ada", "otp": "999999", "new_password": PASSWORD}, 400),
        ("smita/forgot-password", {"username": "ada"}, 200),
        ("allcare/auth/login", WRONG, 401),
        ("braintumor/api/admin/login", WRONG, 401),
        ("braintumor/api/patient/login", WRONG, 401),
    ],
)
def test_guesses_are_counted(client: TestClient, path: str, body: dict[str, str], refusal: int) -> None:
    answers = [client.post(f"/compat/{path}", json=body) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [refusal] * 4 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    told = answers[-1].json()
    if path.startswith("allcare"):
        assert set(told) == {"detail"}
    else:
        assert told["code"].lower() == "too_many_requests"
        assert "error" in told


def test_a_doctor_without_an_authenticator_app_is_not_let_in(client: TestClient, fakes: Fakes) -> None:
    fakes.settings = SETTINGS.model_copy(update={"stage": "prod"})
    fakes.directory.invite("doc", "doc@example.org", None)
    fakes.directory.accept("doc")
    fakes.person("doc", Role.DOCTOR)
    asked = {"username": "doc", "password": FIRST_PASSWORD}
    answer = client.post("/compat/allcare/auth/login", json=asked)
    assert answer.status_code == 403
    assert "POST /v1/auth/totp" in answer.json()["detail"]
