"""Claims of deliveries in their table."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from tests.cloud import REGION, Cloud
from tests.fakes import FakeClock
from triagelens.adapters.dynamodb.deliveries import REMEMBERED, DynamoDeliveries
from triagelens.adapters.dynamodb.tables import EphemeralItem
from triagelens.services.deliveries import Claim, lives_until

KEY = "01J0EVENT:3|ada@example.org"


def deliveries(clock: FakeClock) -> DynamoDeliveries:
    return DynamoDeliveries("ephemeral", REGION, clock)


def soon(clock: FakeClock) -> datetime:
    return clock() + timedelta(minutes=5)


def test_of_many_copies_at_once_one_delivers(cloud: Cloud) -> None:
    clock = FakeClock()
    claims = deliveries(clock)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: claims.begin(KEY, f"message {n}", soon(clock)), range(16)))
    assert said.count(Claim.MINE) == 1
    assert said.count(Claim.ELSEWHERE) == 15


def test_a_message_that_crashed_gets_its_claim_again(cloud: Cloud) -> None:
    clock = FakeClock()
    claims = deliveries(clock)
    assert claims.begin(KEY, "message 1", soon(clock)) is Claim.MINE
    clock.advance(seconds=60)
    assert claims.begin(KEY, "message 2", soon(clock)) is Claim.ELSEWHERE
    assert claims.begin(KEY, "message 1", soon(clock)) is Claim.MINE


def test_the_claim_of_a_dead_message_is_anybodys_but_a_delivery_is_done_for_good(cloud: Cloud) -> None:
    clock = FakeClock()
    claims = deliveries(clock)
    claims.begin(KEY, "message 1", soon(clock))
    clock.advance(seconds=300)
    assert claims.begin(KEY, "message 2", soon(clock)) is Claim.MINE
    claims.finish(KEY)
    assert claims.begin(KEY, "message 2", soon(clock)) is Claim.DONE
    clock.advance(seconds=REMEMBERED.total_seconds() - 1)
    assert claims.begin(KEY, "message 3", soon(clock)) is Claim.DONE


def test_deliveries_are_told_apart_and_what_is_kept_names_nobody(cloud: Cloud) -> None:
    clock = FakeClock()
    claims = deliveries(clock)
    claims.begin(KEY, "message 1", soon(clock))
    claims.finish(KEY)
    assert claims.begin(KEY.replace("ada", "bob"), "message 2", soon(clock)) is Claim.MINE
    stored = json.dumps(cloud.dynamodb.scan(TableName="ephemeral")["Items"])
    assert "example.org" not in stored
    assert {item.expires_at for item in EphemeralItem.scan()} == {int((clock() + REMEMBERED).timestamp())}


def test_a_claim_ends_when_its_message_becomes_a_dead_letter() -> None:
    now, visibility = FakeClock()(), timedelta(seconds=30)
    ends = [lives_until(now, received, 5, visibility) - now for received in (1, 4, 5, 6)]
    assert ends == [timedelta(seconds=seconds) for seconds in (150, 60, 30, 30)]
