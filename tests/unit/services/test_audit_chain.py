"""Entries become links exactly once, days are closed in their order; nothing is linked to a closed one."""

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.fake_audit import FakeChain, FakeExports, FakeSigner
from tests.fakes import FakeClock
from triagelens.domain.audit_chain import genesis, is_whole, link_hash
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import new_id
from triagelens.services.audit_chain import BrokenChainError, Chain, Sealing

TODAY = date(2026, 11, 23)


def entries(count: int) -> list[dict[str, Any]]:
    return [{"entry_id": new_id(), "actor": "sub-ada", "action": "patient.read"} for _ in range(count)]


class World:
    def __init__(self) -> None:
        self.clock = FakeClock(datetime(2026, 11, 23, 10, 0, tzinfo=UTC))
        self.records, self.exports, self.signer = FakeChain(), FakeExports(), FakeSigner()
        self.chain = Chain(self.records, self.clock)
        self.sealing = Sealing(self.records, self.exports, self.signer, self.clock)

    def ids(self, day: date = TODAY) -> list[str]:
        return [link.entry["entry_id"] for link in self.records.links(day)]

    def once(self, happening: Callable[[], object]) -> None:
        def happens() -> None:
            self.records.on_write = lambda: None
            happening()

        self.records.on_write = happens


@pytest.fixture
def world() -> World:
    return World()


def test_each_link_covers_its_entry_and_the_one_before(world: World) -> None:
    made = entries(60)
    assert world.chain.link(made) == 60
    links = world.records.links(TODAY)
    assert world.ids() == [entry["entry_id"] for entry in made]
    assert links[0].previous == genesis(TODAY)
    assert all(link.hash == link_hash(link.previous, link.entry) for link in links)
    assert [link.previous for link in links[1:]] == [link.hash for link in links[:-1]]
    assert is_whole(TODAY, links)


def test_deliveries_repeated_and_torn_link_each_entry_once(world: World) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance, made = random.Random(seed), entries(40)
    position = 0
    while position < len(made):
        begin, end = max(0, position - chance.randrange(10)), position + 1 + chance.randrange(10)
        world.chain.link(made[begin:end] + made[begin:end])
        position = end
    assert world.ids() == [entry["entry_id"] for entry in made]
    assert is_whole(TODAY, world.records.links(TODAY))


def test_an_entry_twice_in_one_batch_has_one_link(world: World) -> None:
    (entry,) = entries(1)
    assert world.chain.link([entry, entry]) == 1


def test_two_consumers_at_once_do_not_fork_the_chain(world: World) -> None:
    first, second = entries(3), entries(3)
    world.once(lambda: Chain(world.records, world.clock).link([*second, first[0]]))
    world.chain.link(first)
    assert world.ids() == [entry["entry_id"] for entry in (*second, *first)]
    assert is_whole(TODAY, world.records.links(TODAY))


def test_a_chain_that_keeps_growing_elsewhere_is_given_back_to_the_stream(world: World) -> None:
    def refuse() -> None:
        raise ConflictError("always")

    world.records.on_write = refuse
    with pytest.raises(ConflictError):
        world.chain.link(entries(1))


def test_a_day_is_closed_when_it_is_over_and_not_before(world: World) -> None:
    world.chain.link(entries(3))
    assert world.sealing.close_due() == []
    world.clock.now = datetime(2026, 11, 24, 0, 14, tzinfo=UTC)
    assert world.sealing.close_due() == []
    world.clock.now = datetime(2026, 11, 24, 0, 15, tzinfo=UTC)
    assert world.sealing.close_due() == [TODAY]
    assert world.sealing.close_due() == []
    seal = world.records.closed[TODAY]
    assert (seal.head.count, seal.head.head) == (3, world.records.links(TODAY)[-1].hash)
    lines = world.exports.lines[TODAY].decode().splitlines()
    assert [json.loads(line)["entry"]["entry_id"] for line in lines] == world.ids()
    assert world.exports.seals[TODAY] == seal


def test_days_without_entries_are_closed_too_each_naming_the_one_before(world: World) -> None:
    world.chain.link(entries(1))
    world.clock.advance(days=4)
    days = world.sealing.close_due()
    assert days == [date(2026, 11, day) for day in (23, 24, 25, 26)]
    heads = [world.records.closed[day].head for day in days]
    assert [head.count for head in heads] == [1, 0, 0, 0]
    assert [head.previous_day for head in heads] == [None, *days[:-1]]
    assert [head.previous_head for head in heads[1:]] == [head.head for head in heads[:-1]]


def test_nothing_is_closed_before_there_is_anything(world: World) -> None:
    assert world.sealing.close_due() == []


def test_a_late_entry_is_in_the_next_days_chain(world: World) -> None:
    world.chain.link(entries(1))
    world.clock.advance(days=1)
    world.sealing.close_due()
    (late,) = entries(1)
    world.chain.link([late])
    assert world.ids(date(2026, 11, 24)) == [late["entry_id"]]
    assert len(world.ids()) == 1


def test_a_link_that_comes_while_its_day_is_being_closed_is_in_the_seal(world: World) -> None:
    world.chain.link(entries(1))
    (late,) = entries(1)
    yesterday = FakeClock(world.clock())
    world.clock.advance(days=1)
    world.once(lambda: Chain(world.records, yesterday).link([late]))
    assert world.sealing.close_due() == [TODAY]
    assert world.records.closed[TODAY].head.count == 2
    assert late["entry_id"] in world.exports.lines[TODAY].decode()


def test_two_runs_at_once_close_a_day_once(world: World) -> None:
    world.chain.link(entries(2))
    world.clock.advance(days=2)
    world.once(lambda: Sealing(world.records, world.exports, world.signer, world.clock).close_due())
    world.sealing.close_due()
    assert sorted(world.records.closed) == [TODAY, date(2026, 11, 24)]
    assert (
        world.records.closed[date(2026, 11, 24)].head.previous_head == world.records.closed[TODAY].head.head
    )


def test_a_chain_that_was_changed_is_never_signed(world: World) -> None:
    world.chain.link(entries(3))
    links = world.records.days[TODAY]
    links[1] = links[1].model_copy(update={"entry": {**links[1].entry, "actor": "sub-eve"}})
    world.clock.advance(days=1)
    with pytest.raises(BrokenChainError):
        world.sealing.close_due()
    assert world.records.closed == {}
    assert world.exports.lines == {}
