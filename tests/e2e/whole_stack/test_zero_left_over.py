"""After all the other tests: no fault, no message and no word about a person is left over."""

from functools import partial

import pytest

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.stack import Stack, until

FILE_NAME = "canary-passport-photo.jpg"
FULL_NAME = "Canary Lovelace"
DEVICE = "canaryphone"


@pytest.fixture(scope="session", params=["plain", "strict"])
def stack(request: pytest.FixtureRequest) -> Stack:
    found: Stack = request.getfixturevalue(request.param)
    return found


def test_no_request_was_answered_with_a_fault_of_the_servers(stack: Stack) -> None:
    assert stack.http().get("/health").status_code == 200
    assert stack.faults == []


def test_no_message_is_left_in_any_queue(stack: Stack) -> None:
    urls = [url for url in stack.aws("sqs").list_queues()["QueueUrls"] if "Triagelens-" in url]
    named = {url for name, url in stack.outputs.items() if name.endswith(("QueueUrl", "DlqUrl"))}
    assert len(urls) > 1
    assert named == set(urls), "the outputs name every queue, for whoever has to look into it"
    for url in urls:
        until(partial(_is_empty, stack, url), f"{url} is empty", within_s=30)


def _is_empty(stack: Stack, url: str) -> bool:
    return stack.waiting(url) == 0


def test_no_log_line_tells_who_somebody_is_or_what_their_file_is_called(stack: Stack) -> None:
    canary = stack.person("canary")
    data = sharp()
    private = {
        "original_filename": FILE_NAME,
        "device": {"platform": DEVICE, "model": DEVICE},
        "on_device_prediction": {"label": FULL_NAME, "probability": 0.5},
    }
    image_id = canary.send("skin", data, **private)["image_id"]
    http = canary.http
    http.post("/v1/auth/sign-up", json={"username": FULL_NAME, "password": "x", "email": canary.email})
    http.post("/v1/auth/sign-in", json={"username": canary.email, "password": "Wrong-password-1"})
    http.post("/v1/auth/confirm", json={"username": canary.username, "code": "999999"})
    canary.ask("POST", "/v1/images", json={"specialty": FULL_NAME, "size_bytes": FILE_NAME})
    canary.ask("GET", f"/v1/images/{canary.email}")

    def logged() -> list[tuple[str, str]] | None:
        lines = stack.log_lines()
        return lines if sum(image_id in line for _, line in lines) >= 2 else None

    lines = until(logged, "both functions have logged about the image")
    assert len({group for group, _ in lines}) >= 3
    secrets = {FILE_NAME, FULL_NAME, DEVICE, canary.access_token}
    secrets |= {word for person in stack.people for word in (person.username, person.email)}
    telling = [(group, line) for group, line in lines if any(secret in line for secret in secrets)]
    assert telling == []
