"""One laptop cloud for each profile and session, on its own port and in its own folder, torn down after."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.local import cloud as clouds
from infra.local.server import Profile
from tests.e2e.stack import Listener, Person, Stack


@contextmanager
def _stack(profile: Profile, factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = factory.mktemp(profile)
    try:
        stack = Stack(clouds.start(profile, folder))
        yield stack
        stack.close()
    finally:
        clouds.stop(profile, folder)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with _stack("plain", tmp_path_factory) as stack:
        yield stack


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with _stack("strict", tmp_path_factory) as stack:
        yield stack


@pytest.fixture(scope="session")
def bus(plain: Stack) -> Listener:
    return Listener(plain)


@pytest.fixture(scope="session")
def person(plain: Stack) -> Person:
    """Somebody whose first image has gone all the way, so that everything is warm."""
    return plain.person()


@pytest.fixture(scope="session")
def admin(plain: Stack) -> Person:
    return plain.grant(plain.person("admin"), "admin")
