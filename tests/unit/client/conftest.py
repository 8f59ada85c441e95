"""Fixtures for the client: a fake API, a client that never really waits, and images on disk."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.client.fake_api import API, FakeApi
from triagelens_client import Retry, Tokens, Triagelens

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def pauses() -> list[float]:
    """Every pause that the client would have made, in seconds."""
    return []


@pytest.fixture
def retry(pauses: list[float]) -> Retry:
    return Retry(sleep=pauses.append, draw=lambda: 0.0)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens.model_validate(
        {
            "access_token": "access-0",
            "refresh_token": "refresh-1",
            "expires_at": datetime.now(UTC) + timedelta(hours=1),
            "username": "demo",
        }
    )


@pytest.fixture
def client(api: FakeApi, tokens: Tokens, retry: Retry) -> Iterator[Triagelens]:
    with Triagelens(API, tokens, transport=api.transport(), retry=retry) as made:
        yield made


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[str], Path]:
    """Writes bytes that begin like a JPEG into a file of that name."""

    def write(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(JPEG + name.encode())
        return path

    return write
