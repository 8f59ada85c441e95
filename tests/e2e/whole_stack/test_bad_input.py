"""Whatever is wrong with what comes in, the answer is clear, and nothing breaks or is stuck."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e.whole_stack.files import gif, header_bomb, png, sharp, truncated
from tests.e2e.whole_stack.stack import Person, Stack, until
from triagelens_client import UploadRefusedError

SOMEBODYS_ID = "01m84pbab9k3c2eh2bgtdazg24"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, which has to be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert problem["detail"]
    return problem


# Files


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: b"This is a letter and not a photo.", "not_an_image"),
        (lambda: b"%PDF-1.7\n" + b"0" * 200, "unsupported_format"),
        (gif, "unsupported_format"),
        (truncated, "truncated"),
        (header_bomb, "too_many_pixels"),
    ],
    ids=["a text", "a PDF", "a GIF", "a truncated JPEG", "a header bomb"],
)
def test_a_file_that_is_no_photo_is_rejected_with_a_reason(
    person: Person, make: Callable[[], bytes], code: str
) -> None:
    image = person.send("skin", make())
    assert image["status"] == "rejected"
    (reason,) = image["quality"]["reasons"]
    assert reason["code"] == code
    assert len(reason["message"].split()) > 4


def test_a_png_is_taken_as_a_png_and_rejected_when_it_is_called_a_jpeg(person: Person) -> None:
    assert person.send("skin", png(), content_type="image/png")["status"] == "analyzed"
    image = person.send("skin", png(), content_type="image/jpeg")
    assert image["status"] == "rejected"
    assert [reason["code"] for reason in image["quality"]["reasons"]] == ["type_mismatch"]


def test_bytes_other_than_were_announced_are_rejected_by_their_checksum(person: Person) -> None:
    sent, announced = sharp(5), hashlib.sha256(sharp(6)).hexdigest()
    image = person.send("skin", sent, sha256=announced)
    assert image["status"] == "rejected"
    assert [reason["code"] for reason in image["quality"]["reasons"]] == ["checksum_mismatch"]


@pytest.mark.parametrize(("change", "code"), [(-1, "EntityTooSmall"), (1, "EntityTooLarge")])
def test_the_form_takes_exactly_the_announced_size(person: Person, change: int, code: str) -> None:
    data = sharp()
    announced = person.announce("skin", data, size_bytes=len(data) - change)
    answer = person.post(announced["upload"], data)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text
    status = person.ask("GET", f"/v1/images/{announced['image_id']}").json()["status"]
    assert status == "awaiting_upload"


def test_an_empty_file_is_refused_by_the_form(person: Person) -> None:
    announced = person.announce("skin", sharp())
    answer = person.post(announced["upload"], b"")
    assert answer.status_code == 400
    assert "<Code>EntityTooSmall</Code>" in answer.text


def test_the_client_tells_in_words_why_the_storage_refused_a_file(person: Person) -> None:
    created = person.client.create_image(sharp(1), "skin")
    with pytest.raises(UploadRefusedError, match=r"refused.*Entity"):
        person.client.upload_image(created, sharp(1) + b"more")


def test_a_second_upload_to_a_used_form_changes_nothing(person: Person, plain: Stack) -> None:
    first, second = sharp(7), sharp(8)
    size = max(len(first), len(second))
    first, second = first.ljust(size, b"\0"), second.ljust(size, b"\0")
    announced = person.announce("skin", first)
    person.post(announced["upload"], first)
    finding = person.outcome(announced["image_id"])
    assert finding["status"] == "analyzed"
    assert person.post(announced["upload"], second).is_success
    until(lambda: plain.waiting("QualityQueueUrl") == 0, "the second upload was looked at")
    assert person.ask("GET", f"/v1/images/{announced['image_id']}").json() == finding
    assert len(plain.results_of(announced["image_id"])) == 1


# Requests


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"size_bytes": 50 * 1024 * 1024 + 1}, 413, "payload_too_large"),
        ({"specialty": "astrology"}, 422, "unknown_specialty"),
        ({"size_bytes": 0}, 422, "invalid_request"),
        ({"content_type": "image/gif"}, 422, "invalid_request"),
        ({"sha256": "no digest"}, 422, "invalid_request"),
        ({"colour": "green"}, 422, "invalid_request"),
    ],
)
def test_an_announcement_that_can_never_work_is_refused(
    person: Person, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": 1000, **change}
    problem = assert_problem(person.ask("POST", "/v1/images", json=body), status, code)
    if code == "invalid_request":
        assert [error["pointer"] for error in problem["errors"]] == [f"#/{key}" for key in change]


def test_a_body_that_is_no_json_is_refused(person: Person) -> None:
    answer = person.ask("POST", "/v1/images", content="{", headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid_request")


@pytest.mark.parametrize("path", ["", "/content"])
def test_what_is_not_there_and_what_is_somebody_elses_look_the_same(
    person: Person, plain: Stack, path: str
) -> None:
    theirs = plain.person().announce("skin", sharp())["image_id"]
    answers = [
        assert_problem(person.ask("GET", f"/v1/images/{image_id}{path}"), 404, "not_found")
        for image_id in (theirs, SOMEBODYS_ID, "no-id-at-all")
    ]
    for answer in answers:
        del answer["correlation_id"]
    assert answers[0] == answers[1] == answers[2]


def test_a_doctor_sees_everybodys_images_and_a_patient_retries_none(person: Person, plain: Stack) -> None:
    image_id = person.announce("skin", sharp())["image_id"]
    doctor = plain.grant(plain.person("doctor"), "doctor")
    assert doctor.ask("GET", f"/v1/images/{image_id}").status_code == 200
    assert_problem(person.ask("POST", f"/v1/images/{image_id}/retry"), 403, "forbidden")


def test_a_cursor_of_ones_own_making_is_refused(person: Person) -> None:
    answer = person.ask("GET", "/v1/images", params={"cursor": "from-nowhere"})
    assert_problem(answer, 400, "invalid_request")


def test_an_address_or_a_method_that_does_not_exist_is_told_as_a_problem(person: Person) -> None:
    assert_problem(person.ask("GET", "/v1/nothing"), 404, "not_found")
    assert_problem(person.ask("DELETE", "/v1/images"), 405, "method_not_allowed")


# Tokens


def unsigned(token: str) -> str:
    """The same token, saying that it needs no signature."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def forged(token: str, **changes: Any) -> str:
    """What the token says, with changes, signed by a key of one's own under the pool's key id."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return jwt.encode(claims, key, "RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


@pytest.mark.parametrize(
    "spoil",
    [
        unsigned,
        forged,
        lambda token: forged(token, exp=1),
        lambda token: jwt.encode({"sub": "me"}, "a-secret-of-thirty-two-characters", "HS256"),
        lambda token: token[:-8] + token[:8],
        lambda token: "nonsense",
    ],
    ids=["alg none", "another key", "another key, expired", "HS256", "another signature", "nonsense"],
)
def test_a_token_that_does_not_count_opens_nothing(person: Person, spoil: Callable[[str], str]) -> None:
    token = spoil(person.access_token)
    answer = person.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_no_token_and_an_id_token_open_nothing(plain: Stack, person: Person) -> None:
    assert_problem(person.http.get("/v1/me"), 401, "unauthenticated")
    answer = plain.http().post(
        "/v1/auth/sign-in", json={"username": person.username, "password": "Quite-unusual-42-words"}
    )
    bearer = {"Authorization": f"Bearer {answer.json()['id_token']}"}
    assert_problem(person.http.get("/v1/me", headers=bearer), 401, "unauthenticated")


def test_a_token_whose_time_is_over_opens_nothing(plain: Stack) -> None:
    with access_tokens_good_for_seconds(plain, 1):
        short = plain.person()
    assert short.ask("GET", "/v1/me").status_code == 200
    until(lambda: short.ask("GET", "/v1/me").status_code == 401, "the token has ended", within_s=15)
    assert_problem(short.ask("GET", "/v1/me"), 401, "unauthenticated")


@contextmanager
def access_tokens_good_for_seconds(stack: Stack, seconds: int) -> Iterator[None]:
    """For a while the pool gives out tokens that end soon."""
    cognito = stack.aws("cognito-idp")
    client = {"UserPoolId": stack.outputs["UserPoolId"], "ClientId": stack.outputs["UserPoolClientId"]}
    usual = cognito.describe_user_pool_client(**client)["UserPoolClient"]
    kept = {name: usual[name] for name in ("ExplicitAuthFlows", "AccessTokenValidity", "TokenValidityUnits")}
    soon = kept | {
        "AccessTokenValidity": seconds,
        "TokenValidityUnits": kept["TokenValidityUnits"] | {"AccessToken": "seconds"},
    }
    cognito.update_user_pool_client(**client, **soon)
    try:
        yield
    finally:
        cognito.update_user_pool_client(**client, **kept)


# Accounts


def test_a_weak_password_is_refused_and_a_wrong_one_says_nothing_of_the_account(
    plain: Stack, person: Person
) -> None:
    http = plain.http()
    weak = http.post("/v1/auth/sign-up", json={"username": "weak-one", "password": "password"})
    assert_problem(weak, 422, "password_refused" if "at least" in weak.text else "invalid_request")
    told = [
        assert_problem(
            http.post("/v1/auth/sign-in", json={"username": name, "password": "Wrong-password-1"}),
            401,
            "sign_in_failed",
        )["detail"]
        for name in (person.username, "nobody-of-that-name")
    ]
    assert told[0] == told[1]


# The gateway


def test_the_gateways_own_refusal_has_the_shape_of_every_other(plain: Stack) -> None:
    with throttled(plain):
        http = plain.http()
        answers = (http.get("/health") for _ in range(20))
        refused = next(answer for answer in answers if answer.status_code != 200)
    assert_problem(refused, 429, "throttled")


@contextmanager
def throttled(stack: Stack) -> Iterator[None]:
    """For a while the gateway lets hardly anything through."""
    found = re.search(r"execute-api/(\w+)/(\w+)", stack.cloud.api_url)
    assert found is not None
    api_id, name = found.groups()
    gateway = stack.aws("apigateway")
    usual = gateway.get_stage(restApiId=api_id, stageName=name)["methodSettings"]["*/*"]

    def limit(rate: float, burst: int) -> None:
        values = {"rateLimit": rate, "burstLimit": burst}
        changes = [
            {"op": "replace", "path": f"/*/*/throttling/{key}", "value": json.dumps(value)}
            for key, value in values.items()
        ]
        gateway.update_stage(restApiId=api_id, stageName=name, patchOperations=changes)

    limit(0.1, 1)
    try:
        yield
    finally:
        limit(usual["throttlingRateLimit"], usual["throttlingBurstLimit"])
