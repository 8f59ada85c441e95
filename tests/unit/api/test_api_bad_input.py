"""Whatever comes in, it is refused with a problem document and never breaks us."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.unit.api.conftest import Fakes
from triagelens.domain.people import Role

PHOTO: dict[str, Any] = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
PREDICTED = {"label": "x", "probability": 0.5}


def photo(**changes: Any) -> bytes:
    return json.dumps({**PHOTO, **changes}).encode()


BODIES: dict[str, bytes] = {
    "half a character as a name": b'{"\\ud800": 1}',
    "half a character as a value": b'{"original_filename": "\\ud800"}',
    "a hundred thousand brackets": b"[" * 100_000,
    "objects without end": b'{"a":' * 50_000,
    "a number without end": b'{"size_bytes": 1' + b"0" * 5000 + b"}",
    "beyond any float": b'{"size_bytes": 1e999}',
    "not a number": b'{"size_bytes": NaN}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'{"specialty": "\xff"}',
    "another encoding": "{}".encode("utf-16"),
    "no bytes announced": photo(size_bytes=0),
    "negative": photo(size_bytes=-1),
    "half a byte": photo(size_bytes=0.5),
    "an unknown specialty": photo(specialty="feet"),
    "a specialty with a zero byte": photo(specialty="eye\x00"),
    "a type that is no image": photo(content_type="text/html"),
    "a type of image that is not read": photo(content_type="image/svg+xml"),
    "a digest that is none": photo(sha256="z" * 64),
    "a digest in capitals": photo(sha256="AB" * 32),
    "another purpose": photo(purpose="fun"),
    "a moment that never was": photo(captured_at="2026-02-30T00:00:00Z"),
    "a moment beyond time": photo(captured_at=1e300),
    "more than certain": photo(on_device_prediction={"label": "x", "probability": 1.1}),
    "an endless inference": photo(on_device_prediction={**PREDICTED, "inference_time_s": float("inf")}),
    "a very long file name": photo(original_filename="x" * 256),
    "a field of ours": photo(owner="sub-somebody", status="analyzed"),
}


@pytest.mark.parametrize(
    "path",
    ["/v1/images", "/v1/models", "/v1/models/eye/1.0/activate", "/v1/auth/sign-up", "/v1/auth/sign-in"],
)
def test_a_bad_body_is_refused(client: TestClient, fakes: Fakes, path: str) -> None:
    headers = {**fakes.person("root", Role.ADMIN), "Content-Type": "application/json"}
    for kind, body in BODIES.items():
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 422), (kind, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json", kind
    assert fakes.casework.records == {}
    assert fakes.registry.imports == {}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/images/%00", 404),
        ("/v1/images/%ff", 404),
        ("/v1/images/..%2f..%2fetc", 404),
        (f"/v1/images/{'a' * 5000}", 404),
        (f"/v1/models/eye/{'1' * 5000}", 404),
        ("/v1/models/eye/%00", 404),
        (f"/v1/models/{'e' * 5000}/1.0", 404),
        ("/v1/models/imports/%00", 404),
        ("/v1/images?cursor=%00", 400),
        (f"/v1/images?limit={'9' * 5000}", 422),
        ("/v1/images?limit=0", 422),
        (f"/v1/images?cursor={'a' * 201}", 422),
        ("/v1/models?cursor=eye:%00", 400),
        ("/v1/models?cursor=:", 400),
        ("/v1/models?specialty=feet", 422),
    ],
)
def test_a_bad_address_is_refused(client: TestClient, fakes: Fakes, path: str, status: int) -> None:
    answer = client.get(path, headers=fakes.person("root", Role.ADMIN))
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", [b"", b"two words", "é".encode(), b"k" * 129, b"tab\x7f"])
def test_a_bad_idempotency_key_is_refused(client: TestClient, fakes: Fakes, key: bytes) -> None:
    names = fakes.person("ada").items()
    headers = [*((name.encode(), value.encode()) for name, value in names), (b"Idempotency-Key", key)]
    assert client.post("/v1/images", json=PHOTO, headers=headers).status_code == 422
