"""The deployed stack, and people who use it.

The names of this folder and its files put them in order: after the tests of the demo, which need the
demonstration models, come those that bring models of their own, and at last what looks for leftovers.
"""

from collections.abc import Iterator

import pytest

from infra.local.cloud import Cloud
from tests.e2e.whole_stack.stack import Listener, Person, Stack
from tests.e2e.whole_stack.written.reader import Desk


@pytest.fixture(scope="session")
def plain(plain_cloud: Cloud) -> Iterator[Stack]:
    stack = Stack(plain_cloud)
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def strict(strict_cloud: Cloud) -> Iterator[Stack]:
    stack = Stack(strict_cloud)
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def bus(plain: Stack) -> Listener:
    return Listener(plain)


@pytest.fixture(scope="session")
def person(plain: Stack) -> Person:
    return plain.person()


@pytest.fixture(scope="session")
def admin(plain: Stack) -> Person:
    return plain.grant(plain.person("admin"), "admin")


@pytest.fixture(scope="session")
def desk(plain: Stack, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(plain, tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="session")
def colleague(plain: Stack) -> Person:
    """A second admin."""
    return plain.grant(plain.person("colleague"), "admin")
