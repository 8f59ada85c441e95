"""Counted tries in their table."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests.cloud import REGION, Cloud
from tests.fakes import FakeClock
from triagelens.adapters.dynamodb.attempts import DynamoAttempts
from triagelens.adapters.dynamodb.tables import EphemeralItem
from triagelens.domain.attempts import Allowance

ALLOWANCE = Allowance(free=3, longest=timedelta(seconds=60))
KEY = "sign_in|ada@example.org|192.0.2.1"


def attempts(clock: FakeClock) -> DynamoAttempts:
    return DynamoAttempts("ephemeral", REGION, clock)


def test_tries_are_free_and_then_wait_longer_and_longer(cloud: Cloud) -> None:
    clock = FakeClock()
    counted = attempts(clock)
    waits = []
    for _ in range(6):
        assert counted.take(KEY, ALLOWANCE) == timedelta()
        (item,) = EphemeralItem.scan()
        wait = item.open_at - clock().timestamp()
        if wait:
            assert counted.take(KEY, ALLOWANCE) == timedelta(seconds=wait)
        waits.append(wait)
        clock.advance(seconds=wait)
    assert waits == [0, 0, 1, 2, 4, 8]


def test_of_many_tries_at_once_no_more_pass_than_are_free(cloud: Cloud) -> None:
    counted = attempts(FakeClock())
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: counted.take(KEY, ALLOWANCE), range(24)))
    assert sum(wait == timedelta() for wait in waits) == ALLOWANCE.free


def test_a_try_is_given_back_and_a_success_forgets_all(cloud: Cloud) -> None:
    counted = attempts(FakeClock())
    for _ in range(4 * ALLOWANCE.free):
        assert counted.take("given back", ALLOWANCE) == timedelta()
        counted.give_back("given back")
    for _ in range(ALLOWANCE.free):
        counted.take(KEY, ALLOWANCE)
    assert counted.take(KEY, ALLOWANCE) > timedelta()
    counted.forget(KEY)
    assert counted.take(KEY, ALLOWANCE) == timedelta()
    counted.give_back("never tried")
    counted.forget("never tried")


def test_what_the_table_has_not_deleted_yet_counts_no_more(cloud: Cloud) -> None:
    clock = FakeClock()
    counted = attempts(clock)
    for _ in range(ALLOWANCE.free):
        counted.take(KEY, ALLOWANCE)
    assert counted.take(KEY, ALLOWANCE) > timedelta()
    clock.advance(hours=1)
    for _ in range(ALLOWANCE.free):
        assert counted.take(KEY, ALLOWANCE) == timedelta()


def test_neither_names_nor_addresses_lie_in_the_table(cloud: Cloud) -> None:
    attempts(FakeClock()).take(KEY, ALLOWANCE)
    (item,) = EphemeralItem.scan()
    stored = json.dumps(cloud.dynamodb.scan(TableName="ephemeral")["Items"])
    assert "ada" not in stored
    assert "192.0.2.1" not in stored
    assert item.expires_at == int(FakeClock().now.timestamp()) + 3600
