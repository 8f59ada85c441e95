"""Places to wait, leased one by one."""

from datetime import timedelta

from tests.cloud import REGION, Cloud
from tests.fakes import FakeClock
from triagelens.adapters.dynamodb.ephemeral import DynamoWaitingRoom

LEASE = timedelta(seconds=30)


def room(clock: FakeClock, places: int) -> DynamoWaitingRoom:
    return DynamoWaitingRoom("ephemeral", REGION, places, clock)


def fill(waiting: DynamoWaitingRoom, places: int) -> list[str]:
    """Enters until every place is taken; a random choice may need several tries."""
    taken: list[str] = []
    for _ in range(100):
        place = waiting.enter(LEASE)
        if place is not None:
            taken.append(place)
        if len(taken) == places:
            return taken
    raise AssertionError(f"only {len(taken)} of {places} places could be taken")


def test_no_place_is_given_twice_and_a_full_room_says_so(cloud: Cloud) -> None:
    waiting = room(FakeClock(), 3)
    taken = fill(waiting, 3)
    assert len({place.partition(":")[0] for place in taken}) == 3
    assert all(waiting.enter(LEASE) is None for _ in range(5))


def test_a_place_that_was_left_can_be_taken_again(cloud: Cloud) -> None:
    waiting = room(FakeClock(), 1)
    (place,) = fill(waiting, 1)
    waiting.leave(place)
    assert waiting.enter(LEASE) is not None


def test_the_place_of_a_holder_that_died_is_free_after_its_lease(cloud: Cloud) -> None:
    clock = FakeClock()
    waiting = room(clock, 1)
    fill(waiting, 1)
    clock.advance(seconds=29)
    assert waiting.enter(LEASE) is None
    clock.advance(seconds=3)
    assert waiting.enter(LEASE) is not None


def test_a_late_leaver_does_not_take_the_place_from_the_next(cloud: Cloud) -> None:
    clock = FakeClock()
    waiting = room(clock, 1)
    (late,) = fill(waiting, 1)
    clock.advance(seconds=60)
    fill(waiting, 1)
    waiting.leave(late)
    assert waiting.enter(LEASE) is None
