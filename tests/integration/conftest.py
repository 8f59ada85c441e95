"""One moto cloud a test, with the functions' environment set and their caches empty."""

import copy
import functools
import os
from collections.abc import Iterator
from functools import partial
from threading import Lock
from types import SimpleNamespace

import moto.dynamodb.models
import pytest
from botocore.loaders import JSONFileLoader
from joserfc.jwk import RSAKey
from moto import mock_aws
from moto.core.common_types import TYPE_RESPONSE
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.kms.utils import generate_private_key
from moto.utilities.utils import load_resource

import check_quality.settings
import check_quality.wiring
import mark_dead_letters.handler
import mark_dead_letters.settings
import publish_events.handler
import publish_events.settings
import rank_cases.handler
import rank_cases.settings
import run_inference.settings
import run_inference.wiring
from tests.cloud import Cloud

CACHES = (
    check_quality.settings.settings,
    check_quality.wiring.quality_check,
    run_inference.settings.settings,
    run_inference.wiring.inference,
    publish_events.settings.settings,
    publish_events.handler.publishing,
    rank_cases.settings.settings,
    rank_cases.handler.ranking,
    publish_events.handler.dead_letters,
    mark_dead_letters.settings.settings,
    mark_dead_letters.handler.giving_up,
)


@pytest.fixture(autouse=True, scope="session")
def _one_request_at_a_time() -> Iterator[None]:
    """DynamoDB answers each request as a whole; moto's tables break when two threads are in them.

    For a transaction moto copies the whole table once for each of its items, before the first of them is
    written: the same copy serves.
    """
    answer, turn, copies = DynamoHandler.call_action, Lock(), dict[int, Table]()

    def in_turn(handler: DynamoHandler) -> TYPE_RESPONSE:
        with turn:
            copies.clear()
            said: TYPE_RESPONSE = answer(handler)
            return said

    def deepcopy(thing: object) -> object:
        if not isinstance(thing, Table):
            return copy.deepcopy(thing)
        if id(thing) not in copies:
            copies[id(thing)] = copy.deepcopy(thing)
        return copies[id(thing)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", in_turn)
        patch.setattr(moto.dynamodb.models, "copy", SimpleNamespace(deepcopy=deepcopy))
        yield


@pytest.fixture(autouse=True, scope="session")
def _made_once_for_all_tests() -> Iterator[None]:
    """What takes a client or a service of moto's long to make, and is the same each time.

    These are the descriptions of services, the key of Cognito's user pools, and the private key that moto
    also makes for a symmetric key, which has none.
    """
    described = functools.cache(partial(JSONFileLoader.load_file, JSONFileLoader()))
    pools_key = RSAKey.import_key(load_resource("cognitoidp/resources/jwks-private.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: described(path))
        cognitos = SimpleNamespace(RSAKey=SimpleNamespace(import_key=lambda _: pools_key))
        patch.setattr("moto.cognitoidp.models.jwk", cognitos)
        patch.setattr(
            "moto.kms.models.generate_private_key",
            lambda spec: None if spec == "SYMMETRIC_DEFAULT" else generate_private_key(spec),
        )
        yield


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        made = Cloud()
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        for cache in CACHES:
            cache.cache_clear()
        yield made
