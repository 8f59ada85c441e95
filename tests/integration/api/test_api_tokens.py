"""Forged, stale and revoked access tokens open nothing; a missing key set is our fault, not the caller's."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from clinic_api.deps import ports
from clinic_api.settings import settings
from tests.integration.api.conftest import Api
from tests.jwks_server import KEY_ID
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.domain.people import Person, Role

SUB = "6b1f0f3a-6f5e-4f43-8f0e-2d2b8a4f1c11"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Forge = Callable[[Api], str]


def claims(api: Api, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    genuine = {
        "sub": SUB,
        "iss": api.issuer,
        "client_id": api.client_id,
        "token_use": "access",
        "iat": now,
        "exp": now + 3600,
        "scope": "aws.cognito.signin.user.admin",
    }
    return {name: value for name, value in {**genuine, **changes}.items() if value is not None}


def signed(api: Api, key: Any = None, algorithm: str = "RS256", kid: str | None = KEY_ID, **of: Any) -> str:
    headers = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims(api, **of), key or api.keys.private, algorithm=algorithm, headers=headers)


def segments(header: dict[str, Any], payload: dict[str, Any], signature: bytes) -> str:
    """A token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def public_key_as_secret(api: Api) -> str:
    """HS256 over the published key's PEM: the classic confusion of algorithms."""
    pem = api.keys.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = segments({"alg": "HS256", "kid": KEY_ID, "typ": "JWT"}, claims(api), b"").rstrip(".")
    mac = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def changed_after_signing(api: Api) -> str:
    header, _, signature = signed(api).split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(api, sub="somebody-else")).encode())
    return f"{header}.{payload.rstrip(b'=').decode()}.{signature}"


def carried_key(api: Api) -> str:
    """The forger's own key, sent along in the header."""
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)
    headers = {"kid": KEY_ID, "jwk": jwk, "jku": "https://forger.example/jwks.json"}
    return jwt.encode(claims(api), STRANGER, algorithm="RS256", headers=headers)


FORGERIES: dict[str, Forge] = {
    "no algorithm": lambda api: segments({"alg": "none", "kid": KEY_ID}, claims(api), b""),
    "no algorithm, in capitals": lambda api: segments({"alg": "None", "kid": KEY_ID}, claims(api), b""),
    "no algorithm, signature kept": lambda api: segments(
        {"alg": "none", "kid": KEY_ID}, claims(api), b"signature"
    ),
    "no algorithm named": lambda api: segments({"kid": KEY_ID}, claims(api), b"x"),
    "public key as shared secret": public_key_as_secret,
    "shared secret": lambda api: signed(api, key="k" * 32, algorithm="HS256"),
    "elliptic curve": lambda api: signed(api, key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "right key, RS512": lambda api: signed(api, algorithm="RS512"),
    "right key, PS256": lambda api: signed(api, algorithm="PS256"),
    "forger's key under a known id": lambda api: signed(api, key=STRANGER),
    "forger's key under an unknown id": lambda api: signed(api, key=STRANGER, kid="forged"),
    "forger's key sent along": carried_key,
    "no key id": lambda api: signed(api, kid=None),
    "changed after signing": changed_after_signing,
    "signature cut off": lambda api: signed(api).rsplit(".", 1)[0] + ".",
    "two parts only": lambda api: signed(api).rsplit(".", 1)[0],
    "expired": lambda api: signed(api, exp=int(time.time()) - 60),
    "never expires": lambda api: signed(api, exp=None),
    "issued in the future": lambda api: signed(api, iat=int(time.time()) + 600),
    "not valid yet": lambda api: signed(api, nbf=int(time.time()) + 600),
    "no time of issue": lambda api: signed(api, iat=None),
    "another pool's issuer": lambda api: signed(api, iss=f"{api.issuer}x"),
    "no issuer": lambda api: signed(api, iss=None),
    "another client": lambda api: signed(api, client_id="another"),
    "no client": lambda api: signed(api, client_id=None),
    "client in aud": lambda api: signed(api, client_id=None, aud=api.client_id),
    "id token": lambda api: signed(api, token_use="id", aud=api.client_id),
    "no token use": lambda api: signed(api, token_use=None),
    "nobody's": lambda api: signed(api, sub=None),
    "a number as subject": lambda api: signed(api, sub=7),
    "not a token": lambda api: "not-a-token",
    "empty parts": lambda api: "..",
    "rubbish in three parts": lambda api: "a.b.c",
}


@pytest.fixture
def person(api: Api) -> Person:
    known = Person(sub=SUB, username="ada", role=Role.ADMIN, created_at=datetime.now(UTC))
    return DynamoPeople("users", "eu-central-1").add_person(known)


def ask(api: Api, token: str) -> tuple[int, str]:
    answer = api.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code", "")


def test_there_are_at_least_twenty_forgeries() -> None:
    assert len(FORGERIES) >= 20


@pytest.mark.usefixtures("person")
def test_a_forged_token_opens_nothing(api: Api) -> None:
    assert ask(api, signed(api))[0] == 200  # what is refused below is refused for its forgery alone
    answers = {kind: ask(api, forge(api)) for kind, forge in FORGERIES.items()}
    assert {kind: answer for kind, answer in answers.items() if answer != (401, "unauthenticated")} == {}


def test_without_a_bearer_token_the_answer_asks_for_one(api: Api) -> None:
    for header in ("", "Bearer", "Bearer ", "Basic YTpi", "bearer x y"):
        answer = api.client.get("/v1/me", headers={"Authorization": header})
        assert (header, answer.status_code) == (header, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_genuine_token_without_a_record_is_denied(api: Api) -> None:
    assert ask(api, signed(api)) == (403, "forbidden")


def test_a_disabled_person_is_denied_at_once(api: Api) -> None:
    people = DynamoPeople("users", "eu-central-1")
    disabled = Person(sub=SUB, username="ada", role=Role.ADMIN, created_at=datetime.now(UTC), disabled=True)
    people.add_person(disabled)
    assert ask(api, signed(api)) == (403, "forbidden")


@pytest.mark.parametrize(("issued_before_s", "status"), [(60, 401), (-5, 200)])
def test_tokens_of_before_the_sign_out_are_refused(api: Api, issued_before_s: int, status: int) -> None:
    signed_out = datetime.now(UTC) - timedelta(seconds=30)
    person = Person(sub=SUB, username="ada", role=Role.PATIENT, created_at=signed_out, valid_after=signed_out)
    DynamoPeople("users", "eu-central-1").add_person(person)
    issued = int(signed_out.timestamp()) - issued_before_s
    assert ask(api, signed(api, iat=issued))[0] == status


@pytest.mark.usefixtures("person")
def test_a_thousand_unknown_key_ids_cause_one_fetch_at_most(api: Api) -> None:
    assert ask(api, signed(api))[0] == 200
    assert api.keys.fetches == 1
    for number in range(1000):
        token = segments({"alg": "RS256", "kid": f"forged-{number}"}, claims(api), b"signature")
        assert ask(api, token) == (401, "unauthenticated")
    assert api.keys.fetches <= 2


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("fault", ["refuses", "is no JSON"])
def test_a_key_set_that_does_not_come_is_a_503_and_is_tried_again(
    api: Api, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "refuses":
        monkeypatch.setenv("JWKS_URL", "http://127.0.0.1:9/jwks.json")
    api.keys.broken = True
    settings.cache_clear()
    ports.tokens.cache_clear()
    answer = api.client.get("/v1/me", headers={"Authorization": f"Bearer {signed(api)}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    if fault == "is no JSON":
        api.keys.broken = False
        assert ask(api, signed(api))[0] == 200


@pytest.mark.usefixtures("person")
def test_the_former_apps_client_is_accepted_beside_the_normal_one(api: Api) -> None:
    assert ask(api, signed(api, client_id=settings().old_apps_client_id))[0] == 200
