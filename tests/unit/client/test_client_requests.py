"""Retries, tokens and errors of every request."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.unit.client.fake_api import API, RIGHT, FakeApi, problem
from triagelens_client import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    NotSignedInError,
    Retry,
    ServerError,
    Tokens,
    TooManyRequestsError,
    Triagelens,
    UnauthenticatedError,
    UnexpectedAnswerError,
)
from triagelens_client.errors import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, UnauthenticatedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, InvalidRequestError),
        (422, InvalidRequestError),
        (500, ServerError),
    ],
)
def test_each_problem_has_its_own_error(
    client: Triagelens, api: FakeApi, status: int, kind: type[ApiError]
) -> None:
    errors = [{"pointer": "#/size_bytes", "code": "missing", "message": "Field required"}]
    answer = problem(status, "some_code", "This is wrong.", errors=errors)
    api.next_answers("GET /v1/me", answer, answer)
    with pytest.raises(kind, match=r"This is wrong\. \[size_bytes: Field required\]") as caught:
        client.me()
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, "some_code")


def test_an_error_that_is_no_problem_document_is_still_told(client: Triagelens, api: FakeApi) -> None:
    api.next_answers(
        "GET /v1/me",
        httpx.Response(403, json={"message": "Forbidden by the gateway"}),
        httpx.Response(500, text="<html>"),
    )
    with pytest.raises(ForbiddenError, match="Forbidden by the gateway") as caught:
        client.me()
    assert caught.value.code == "http_403"
    with pytest.raises(ServerError, match="Internal Server Error"):
        client.me()


def test_a_redirect_is_not_followed_with_a_token(client: Triagelens, api: FakeApi) -> None:
    api.next_answers("GET /v1/me", httpx.Response(302, headers={"location": "https://elsewhere.example.org"}))
    with pytest.raises(UnexpectedAnswerError, match=r"elsewhere\.example\.org"):
        client.me()
    assert len(api.requests) == 1


def test_a_read_is_repeated_with_growing_pauses(
    client: Triagelens, api: FakeApi, pauses: list[float]
) -> None:
    lost = httpx.ConnectError("refused")
    api.next_answers("GET /v1/me", lost, httpx.Response(503), httpx.Response(502), httpx.Response(504))
    assert client.me().username == "demo"
    assert pauses == [0.25, 0.5, 1.0, 2.0]


def test_the_servers_retry_after_is_waited_out(client: Triagelens, api: FakeApi, pauses: list[float]) -> None:
    api.next_answers("GET /v1/me", problem(429, "too_many_requests", "Later.", headers={"retry-after": "7"}))
    client.me()
    assert pauses == [7.0]


def test_jitter_only_ever_adds_to_retry_after() -> None:
    assert Retry(draw=lambda: 0.5).pause_s(1, 7.0) == 7.25
    for draw in (0.0, 0.5, 0.999):
        pause_s = Retry(draw=lambda draw=draw: draw).pause_s(2, None)  # type: ignore[misc]
        assert pause_s is not None
        assert 0.5 <= pause_s <= 1.0


def test_a_retry_after_longer_than_anyone_would_wait_is_a_refusal(
    client: Triagelens, api: FakeApi, pauses: list[float]
) -> None:
    api.next_answers(
        "GET /v1/me", problem(429, "too_many_requests", "Later.", headers={"retry-after": "3600"})
    )
    with pytest.raises(TooManyRequestsError) as caught:
        client.me()
    assert caught.value.retry_after_s == 3600
    assert pauses == []


def test_retry_after_may_be_a_date_or_nonsense() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = retry_after_s(httpx.Response(503, headers={"retry-after": later}))
    assert seconds is not None
    assert 85 < seconds <= 90
    assert retry_after_s(httpx.Response(503, headers={"retry-after": "soon"})) is None
    assert retry_after_s(httpx.Response(503)) is None


def test_it_gives_up_after_its_tries_and_names_the_server(client: Triagelens, api: FakeApi) -> None:
    api.next_answers("GET /v1/me", *[httpx.ConnectError("refused")] * 9)
    with pytest.raises(ConnectionFailedError, match=r"No answer from https://api\.example\.org: refused"):
        client.me()
    assert len(api.requests) == 5


def test_a_call_that_may_not_be_repeated_is_made_once(client: Triagelens, api: FakeApi) -> None:
    api.next_answers("POST /v1/auth/sign-up", httpx.ReadError("reset"), httpx.Response(503))
    with pytest.raises(ConnectionFailedError):
        client.sign_up("ada", RIGHT)
    with pytest.raises(ServerError):
        client.sign_up("ada", RIGHT)
    assert len(api.requests) == 2


def test_signing_in_uses_and_keeps_the_tokens(api: FakeApi, retry: Retry) -> None:
    kept: list[Tokens] = []
    with Triagelens(API, transport=api.transport(), retry=retry, keep_tokens=kept.append) as client:
        with pytest.raises(NotSignedInError):
            client.me()
        tokens = client.sign_in("demo", RIGHT)
        assert client.me().role == "patient"
    assert kept == [tokens]
    assert tokens.refresh_token == "refresh-1"


def test_a_refused_sign_in_says_why(client: Triagelens) -> None:
    with pytest.raises(UnauthenticatedError, match="Wrong username or password"):
        client.sign_in("demo", "wrong")


def test_an_access_token_near_its_end_is_renewed_before_use(
    api: FakeApi, tokens: Tokens, retry: Retry
) -> None:
    old = tokens.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(seconds=20)})
    kept: list[Tokens] = []
    with Triagelens(API, old, transport=api.transport(), retry=retry, keep_tokens=kept.append) as client:
        client.me()
        client.me()
    assert api.seen == ["POST /v1/auth/refresh", "GET /v1/me", "GET /v1/me"]
    assert json.loads(api.requests[0].content) == {"refresh_token": "refresh-1"}
    assert [renewed.refresh_token for renewed in kept] == ["refresh-1"], "a renewal keeps the refresh token"


def test_an_access_token_that_the_api_refuses_is_renewed_once(client: Triagelens, api: FakeApi) -> None:
    api.good_tokens = set()
    client.me()
    assert api.seen == ["GET /v1/me", "POST /v1/auth/refresh", "GET /v1/me"]
    api.next_answers("GET /v1/me", *[problem(401, "unauthenticated", "No.")] * 2)
    with pytest.raises(UnauthenticatedError):
        client.me()
    assert len(api.requests) == 6, "not in a circle"


def test_many_threads_renew_a_token_together_once(client: Triagelens, api: FakeApi) -> None:
    api.good_tokens = set()
    barrier = threading.Barrier(8)
    failures: list[Exception] = []

    def ask() -> None:
        barrier.wait(timeout=10)
        try:
            client.me()
        except ApiError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert failures == []
    assert len(api.asked("POST /v1/auth/refresh")) == 1


def test_a_sign_in_that_cannot_be_renewed_has_ended(client: Triagelens, api: FakeApi) -> None:
    api.good_tokens = set()
    api.next_answers("POST /v1/auth/refresh", problem(401, "sign_in_failed", "The token was revoked."))
    with pytest.raises(NotSignedInError, match="sign in again"):
        client.me()


def test_a_program_may_bring_its_own_tokens(api: FakeApi, retry: Retry) -> None:
    api.good_tokens = {"second"}
    supply: Iterator[str] = iter(["first", "second"])
    refused: list[str | None] = []

    def provider(was_refused: str | None = None, /, **more: str | None) -> str:
        refused.append(more.get("refused", was_refused))
        return next(supply)

    with Triagelens(API, token_provider=provider, transport=api.transport(), retry=retry) as client:
        client.me()
    assert refused == [None, "first"]


@pytest.mark.parametrize(
    "address", ["http://api.example.org", "ftp://api.example.org", "api.example.org", ""]
)
def test_an_address_that_would_show_tokens_to_the_net_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"encrypted|address"):
        Triagelens(address)


@pytest.mark.parametrize(
    "address", ["http://localhost:4566/x", "http://127.0.0.1:1", "http://a1.localhost:4566"]
)
def test_plain_http_is_fine_on_this_machine(address: str) -> None:
    Triagelens(address).close()


def test_nothing_shows_a_token(
    client: Triagelens, tokens: Tokens, api: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.sign_in("demo", RIGHT)
        client.me()
        api.next_answers("GET /v1/me", *[httpx.ConnectError("refused")] * 5)
        with pytest.raises(ConnectionFailedError) as caught:
            client.me()
    shown = caplog.text + repr(tokens) + str(tokens) + str(caught.value)
    assert caplog.records, "httpx logs requests, so there is something to look through"
    assert not any(secret in shown for secret in ("access-", "refresh-1", RIGHT))


def test_an_api_key_goes_to_the_api_and_to_nobody_else(api: FakeApi, tokens: Tokens, retry: Retry) -> None:
    with Triagelens(API, tokens, api_key="key-1", transport=api.transport(), retry=retry) as client:
        client.upload_and_wait(b"\xff\xd8\xff pixels", "skin")
    stored = [request for request in api.requests if "uploads" in str(request.url)]
    asked = [request for request in api.requests if request not in stored]
    assert stored
    assert {request.headers["X-API-Key"] for request in asked} == {"key-1"}
    assert all("X-API-Key" not in request.headers for request in stored)


def test_without_a_key_none_is_sent(client: Triagelens, api: FakeApi) -> None:
    client.me()
    assert "X-API-Key" not in api.requests[-1].headers
