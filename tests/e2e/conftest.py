"""The deployed stack on laptop clouds of the tests' own: other ports, torn down after the last test."""

from collections.abc import Iterator

import pytest

from infra.local.cloud import Cloud, start
from infra.local.server import Profile


@pytest.fixture(scope="session")
def plain_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """HTTP; nothing of what a caller may do is enforced."""
    yield from _cloud("plain", tmp_path_factory)


@pytest.fixture(scope="session")
def strict_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """TLS; execution roles, signatures, TLS-only policies and one-time codes are enforced."""
    yield from _cloud("strict", tmp_path_factory)


@pytest.fixture(scope="session", params=["plain", "strict"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each profile in turn."""
    started: Cloud = request.getfixturevalue(f"{request.param}_cloud")
    return started


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks each test with its profile: the tests of one can run beside those of the other."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    needed = [*getattr(item, "fixturenames", ()), *parameters.values()]
    item.add_marker("strict" if "strict" in needed or "strict_cloud" in needed else "plain")


def _cloud(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = start(profile, tmp_path_factory.mktemp("laptop-cloud"))
    try:
        yield started
    finally:
        started.stop()
