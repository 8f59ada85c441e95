"""When a candidate loses its share by itself."""

from dataclasses import dataclass, field

import pytest

from tests.fake_registry import FakeRegistry
from tests.unit.services.test_rollout_service import World, trained
from triagelens.domain.audit import Outcome
from triagelens.domain.models import Candidate, ProductionPointer, RegisteredModel
from triagelens.domain.rollout import Arm, Tally, breach
from triagelens.services.canaries import CanaryWatch

FINE = Tally(answers=100, confidence_sum=80)


@dataclass
class FakeTrials:
    tallies: dict[Arm, Tally] = field(default_factory=dict)

    def count(self, specialty: str, trial: Candidate, arm: Arm, tally: Tally) -> None:
        self.tallies[arm] = self.tallies.get(arm, Tally()).plus(tally)

    def tally(self, specialty: str, trial: Candidate, arm: Arm) -> Tally:
        return self.tallies.get(arm, Tally())


@pytest.mark.parametrize(
    ("candidate", "production", "told"),
    [
        (Tally(failures=3), FINE, "failed on 3 of 3"),
        (Tally(answers=47, failures=3, confidence_sum=38), FINE, "failed"),
        (Tally(answers=100, confidence_sum=80, abstained=16), FINE, "abstain on 16%"),
        (Tally(answers=100, confidence_sum=64), FINE, "mean confidence is 0.64"),
        (Tally(answers=100, confidence_sum=96), FINE, "mean confidence is 0.96"),
    ],
)
def test_a_candidate_that_does_worse_breaks_the_rule(candidate: Tally, production: Tally, told: str) -> None:
    reason = breach(candidate, production)
    assert reason is not None
    assert told in reason


@pytest.mark.parametrize(
    ("candidate", "production"),
    [
        (FINE, FINE),
        (Tally(), Tally()),
        (Tally(failures=2), FINE),
        (Tally(answers=10, confidence_sum=1), FINE),
        (Tally(answers=100, confidence_sum=10), Tally(answers=10, confidence_sum=9)),
        (Tally(answers=100, confidence_sum=66), FINE),
        (Tally(answers=100, confidence_sum=80, abstained=15), FINE),
        (
            Tally(answers=90, failures=10, confidence_sum=72),
            Tally(answers=90, failures=10, confidence_sum=72),
        ),
    ],
    ids=["equal", "nothing yet", "two failures", "few", "few beside", "small shift", "few more", "both fail"],
)
def test_chance_and_what_production_suffers_too_are_not_held_against_it(
    candidate: Tally, production: Tally
) -> None:
    assert breach(candidate, production) is None


@pytest.fixture
def world() -> World:
    made = World(trained("1.0"), trained("2.0"))
    made.promote("1.0")
    made.promote("2.0", 0.5)
    made.audit.entries.clear()
    return made


def watch(world: World, candidate: Tally) -> CanaryWatch:
    trials = FakeTrials({"candidate": candidate, "production": FINE})
    return CanaryWatch(world.registry, trials, world.audit, world.clock)


def test_a_bad_candidate_is_taken_out_and_the_reason_is_written_down(world: World) -> None:
    found = watch(world, Tally(failures=5)).look("eye")
    assert found is not None
    assert found.version == "2.0"
    assert world.live() == ("1.0", None, None)
    (entry,) = world.audit.entries
    assert (entry.action, entry.actor, entry.subject) == ("model.rollback", "watch_canary", "eye/2.0")
    assert entry.outcome is Outcome.ALLOWED
    assert entry.reason is not None
    assert "failed on 5 of 5" in entry.reason
    pointer = world.registry.production("eye")
    assert pointer is not None
    assert pointer.reason == entry.reason


def test_another_look_changes_nothing_more(world: World) -> None:
    looking = watch(world, Tally(failures=5))
    assert [looking.look("eye") is not None for _ in range(3)] == [True, False, False]
    assert len(world.audit.entries) == 1


def test_a_good_candidate_stays(world: World) -> None:
    assert watch(world, FINE).look("eye") is None
    assert world.live() == ("1.0", "2.0", 0.5)
    assert world.audit.entries == []


def test_without_a_trial_there_is_nothing_to_watch() -> None:
    world = World(trained("1.0"))
    assert watch(world, Tally(failures=5)).look("eye") is None
    world.promote("1.0")
    assert watch(world, Tally(failures=5)).look("eye") is None


class PromotedMeanwhile(FakeRegistry):
    """Somebody promotes the candidate between this registry's read and its write."""

    def __init__(self, world: World) -> None:
        super().__init__(world.registry.models, world.registry.pointers)
        self._world = world

    def point(self, pointer: ProductionPointer, decided: RegisteredModel | None = None) -> None:
        self._world.promote("2.0")
        super().point(pointer, decided)


def test_what_somebody_decides_at_the_same_moment_stands(world: World) -> None:
    trials = FakeTrials({"candidate": Tally(failures=5), "production": FINE})
    late = CanaryWatch(PromotedMeanwhile(world), trials, world.audit, world.clock)
    assert late.look("eye") is None
    assert world.live() == ("2.0", None, None)
