"""Accounts with the rights that the API has, and no more."""

import base64
import hashlib
import hmac
import struct
import time

import pytest

from tests.e2e.whole_stack.stack import PASSWORD, Person, Stack, until
from triagelens_client import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotSignedInError,
    Tokens,
    TooManyRequestsError,
    Triagelens,
    UnauthenticatedError,
)

NEW_PASSWORD = "Even-more-unusual-43"
RESET_CODE = "654321"  # the laptop cloud's for every reset


@pytest.fixture
def ada(strict: Stack) -> Person:
    return strict.person()


@pytest.fixture(scope="module")
def admin(strict: Stack) -> Person:
    return strict.grant(strict.person("admin"), "admin")


def totp(secret: str) -> str:
    """The code of this moment (RFC 6238, with the defaults that every app has)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def signed_in(client: Triagelens, username: str, password: str, code: str | None = None) -> Tokens:
    """A sign-in after sessions were ended, which is not possible in that very second."""

    def attempt() -> Tokens | None:
        try:
            return client.sign_in(username, password, code=code)
        except TooManyRequestsError:
            return None

    return until(attempt, "a sign-in", within_s=10)


def test_a_sign_out_ends_every_session(strict: Stack, ada: Person) -> None:
    elsewhere = strict.client()
    elsewhere.sign_in(ada.username, PASSWORD)
    ada.client.sign_out()
    assert ada.ask("GET", "/v1/me").status_code == 401
    with pytest.raises(NotSignedInError):
        elsewhere.me()
    signed_in(ada.client, ada.username, PASSWORD)
    assert ada.client.me().username == ada.username


def test_a_password_is_forgotten_reset_and_changed(ada: Person) -> None:
    account = ada.client.account
    account.forgot_password(ada.username)
    account.forgot_password("nobody-at-all")
    with pytest.raises(InvalidRequestError):
        account.reset_password(ada.username, "000000", NEW_PASSWORD)
    account.reset_password(ada.username, RESET_CODE, NEW_PASSWORD)
    assert ada.ask("GET", "/v1/me").status_code == 401
    signed_in(ada.client, ada.username, NEW_PASSWORD)
    with pytest.raises(ForbiddenError):
        account.change_password("wrong", PASSWORD)
    account.change_password(NEW_PASSWORD, PASSWORD)
    signed_in(ada.client, ada.username, PASSWORD)


def test_an_authenticator_app_is_set_up_and_its_code_asked_for(strict: Stack, ada: Person) -> None:
    begun = ada.client.account.begin_authenticator(ada.username, PASSWORD)
    ada.client.account.finish_authenticator(ada.username, PASSWORD, totp(begun.secret))
    stranger = strict.client()
    with pytest.raises(ApiError) as asked:
        stranger.sign_in(ada.username, PASSWORD)
    assert asked.value.challenge == "SOFTWARE_TOKEN_MFA"
    stranger.sign_in(ada.username, PASSWORD, code=totp(begun.secret))
    assert stranger.me().second_factor


def test_guessing_holds_up_the_guesser(strict: Stack, ada: Person) -> None:
    stranger = strict.client()
    for _ in range(4):
        with pytest.raises(UnauthenticatedError):
            stranger.sign_in(ada.username, "wrong")
    with pytest.raises(TooManyRequestsError) as held_up:
        stranger.sign_in(ada.username, "wrong")
    assert held_up.value.retry_after_s == 1


def test_an_admin_invites_changes_and_deletes_people(strict: Stack, admin: Person, ada: Person) -> None:
    users = admin.client.users
    eve = users.create(f"eve-{ada.username}", f"eve-{ada.email}", "gp", name="Eve")
    with pytest.raises(ConflictError):
        users.create(eve.username, f"eva-{ada.email}", "gp")
    users.reset_password(eve.id)
    groups = strict.aws("cognito-idp").admin_list_groups_for_user(
        UserPoolId=strict.outputs["UserPoolId"], Username=eve.username
    )["Groups"]
    assert [group["GroupName"] for group in groups] == ["gp"]
    patient = users.named(ada.username)
    with pytest.raises(ForbiddenError):
        ada.client.users.get(patient.id)
    users.update(patient.id, role="doctor")
    assert ada.client.me().role == "doctor"
    users.reset_authenticator(patient.id)
    signed_in(ada.client, ada.username, PASSWORD)
    users.update(patient.id, disabled=True)
    with pytest.raises(ForbiddenError):
        ada.client.me()
    users.update(patient.id, disabled=False)
    users.reset_password(patient.id)
    for user in (eve, patient):
        users.delete(user.id)
    with pytest.raises(ApiError):
        ada.client.me()
    me = users.named(admin.username)
    with pytest.raises(ConflictError):
        users.delete(me.id)
