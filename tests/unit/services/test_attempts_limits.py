"""How often a source may guess, and whom that can lock out: nobody but itself."""

from datetime import timedelta

import pytest

from tests.fake_people import FakeAttempts
from tests.fakes import FakeClock
from triagelens.domain.attempts import Allowance
from triagelens.domain.errors import ChallengeError, SignInError, TooManyRequestsError
from triagelens.services.limits import OF_ONE_ACCOUNT, OF_ONE_SOURCE, Kind, Limits


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.attempts = FakeAttempts(self.clock)
        self.here, self.elsewhere = Limits(self.attempts, "192.0.2.1"), Limits(self.attempts, "192.0.2.2")

    def fail(self, limits: Limits | None = None, account: str = "doc") -> None:
        with pytest.raises(SignInError), (limits or self.here).attempt(Kind.SIGN_IN, account):
            raise SignInError("no")

    def wait(self, limits: Limits | None = None, account: str = "doc", kind: Kind = Kind.SIGN_IN) -> int:
        """Seconds until the next try; 0 if one was just possible (and succeeded)."""
        try:
            with (limits or self.here).attempt(kind, account):
                return 0
        except TooManyRequestsError as error:
            return error.retry_after_s


def test_the_pause_doubles_after_the_free_tries_and_has_an_end() -> None:
    allowance = Allowance(free=2, longest=timedelta(seconds=5))
    assert [allowance.pause(tries).total_seconds() for tries in (0, 1, 2, 3, 4, 5, 1000)] == [
        *(0, 0, 1, 2, 4, 5, 5),
    ]


def test_failed_tries_cost_longer_and_longer_waits() -> None:
    world = World()
    waits = []
    for _ in range(OF_ONE_ACCOUNT.free + 4):
        world.fail()
        left = world.attempts.counted["sign_in|doc|192.0.2.1"][1] - world.clock()
        waits.append(left.total_seconds())
        world.clock.advance(seconds=left.total_seconds())
    assert waits == [*([0] * (OF_ONE_ACCOUNT.free - 1)), 1, 2, 4, 8, 16]


def test_who_comes_too_early_is_told_when_to_come_and_not_counted() -> None:
    world = World()
    for _ in range(OF_ONE_ACCOUNT.free):
        world.fail()
    assert [world.wait() for _ in range(5)] == [1] * 5
    world.clock.advance(seconds=1)
    assert world.wait() == 0


def test_a_locked_out_attacker_does_not_lock_out_the_doctor() -> None:
    world = World()
    for _ in range(OF_ONE_ACCOUNT.free):
        world.fail(world.elsewhere)
    assert world.wait(world.elsewhere) > 0
    assert world.wait(world.here) == 0


def test_what_succeeds_wipes_the_slate_of_the_account_and_costs_the_source_nothing() -> None:
    world = World()
    for _ in range(OF_ONE_ACCOUNT.free - 1):
        world.fail()
    assert world.wait() == 0
    for _ in range(OF_ONE_ACCOUNT.free - 1):
        world.fail()
    assert world.wait() == 0
    for number in range(3 * OF_ONE_SOURCE.free):
        assert world.wait(account=f"person-{number}") == 0


def test_one_source_cannot_try_one_password_on_everybody() -> None:
    world = World()
    for number in range(OF_ONE_SOURCE.free):
        world.fail(account=f"person-{number}")
    assert world.wait(account="somebody-else") > 0
    assert world.wait(world.elsewhere, account="somebody-else") == 0


def test_whom_the_source_keeps_waiting_is_not_counted_for_the_account() -> None:
    world = World()
    for number in range(OF_ONE_SOURCE.free):
        world.fail(account=f"person-{number}")
    for _ in range(2 * OF_ONE_ACCOUNT.free):
        assert world.wait() > 0
    world.clock.advance(seconds=1)
    assert world.wait() == 0


def test_a_right_password_without_its_code_is_no_guess() -> None:
    world = World()
    for _ in range(3 * OF_ONE_ACCOUNT.free):
        with pytest.raises(ChallengeError), world.here.attempt(Kind.SIGN_IN, "doc"):
            raise ChallengeError("SOFTWARE_TOKEN_MFA", "code?")
    assert world.wait() == 0


def test_mails_count_even_where_they_were_sent_and_apart_from_passwords() -> None:
    world = World()
    for _ in range(OF_ONE_ACCOUNT.free):
        assert world.wait(kind=Kind.MAIL) == 0
    assert world.wait(kind=Kind.MAIL) > 0
    assert world.wait(kind=Kind.SIGN_IN) == 0


def test_names_that_the_provider_takes_for_one_are_counted_as_one() -> None:
    world = World()
    for spelling in ("doc", "DOC", " Doc", "dOC"):
        world.fail(account=spelling)
    assert world.wait(account="doC ") > 0


def test_everything_is_forgotten_after_an_hour() -> None:
    world = World()
    for _ in range(OF_ONE_ACCOUNT.free):
        world.fail()
    world.clock.advance(hours=1)
    for _ in range(OF_ONE_ACCOUNT.free):
        world.fail()
