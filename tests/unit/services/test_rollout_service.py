"""Who may put which model into service, how it comes back out, and what is written down."""

from typing import Any

import pytest

from tests.fake_registry import FakeRegistry
from tests.fakes import START, FakeAuditTrail, FakeClock
from tests.unit.services.test_models_by_hand_service import registered
from triagelens.domain.audit import Outcome
from triagelens.domain.errors import ConflictError, ForbiddenError, NotFoundError
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.domain.people import Person, Role
from triagelens.services.models import Models
from triagelens.services.rollout import AskedOf, Rollout

TRAINER, OTHER = (
    Person(sub=sub, username=sub, role=Role.ADMIN, created_at=START) for sub in ("sub-root", "sub-other")
)
CANDIDATE, NOT_EVALUABLE = ModelStatus.CANDIDATE, ModelStatus.NOT_EVALUABLE


def trained(version: str, status: ModelStatus = CANDIDATE) -> RegisteredModel:
    """A model that a job made which the trainer started."""
    return registered(version, status).model_copy(
        update={"started_by": TRAINER.sub, "registered_by": TRAINER.sub}
    )


class World:
    def __init__(self, *known: RegisteredModel, owner_may_activate: bool = True) -> None:
        self.clock, self.registry, self.audit = FakeClock(), FakeRegistry(), FakeAuditTrail()
        self.rollout = Rollout(self.registry, self.audit, self.clock, owner_may_activate=owner_may_activate)
        for model in known:
            self.registry.add_model(model)

    def asked(self, version: str, person: Person = OTHER, reason: str | None = None) -> AskedOf:
        return AskedOf(person, "eye", version, reason, "c")

    def promote(self, version: str, share: float = 1.0, **asked: Any) -> ProductionPointer:
        return self.rollout.promote(self.asked(version, **asked), share)

    def rollback(self, version: str, **asked: Any) -> ProductionPointer:
        return self.rollout.rollback(self.asked(version, **asked))

    def live(self) -> tuple[str | None, str | None, float | None]:
        """Version in production, version on trial, its share."""
        pointer = self.registry.production("eye")
        if pointer is None:
            return None, None, None
        trial = pointer.candidate
        return (
            None if pointer.withdrawn else pointer.version,
            trial.version if trial else None,
            trial.share if trial else None,
        )

    @property
    def written(self) -> list[tuple[str, str, Outcome]]:
        return [(entry.action, entry.actor, entry.outcome) for entry in self.audit.entries]


def test_who_trained_a_model_does_not_promote_it_and_another_admin_does() -> None:
    world = World(trained("1.0"))
    with pytest.raises(ForbiddenError, match="Somebody else"):
        world.promote("1.0", person=TRAINER)
    assert world.live() == (None, None, None)
    assert world.promote("1.0").revision == 1
    assert world.live() == ("1.0", None, None)
    assert world.written == [
        ("model.promote", "sub-root", Outcome.DENIED),
        ("model.promote", "sub-other", Outcome.ALLOWED),
    ]


def test_who_brought_a_model_by_hand_does_not_promote_it_either() -> None:
    with pytest.raises(ForbiddenError):
        World(registered("1.0")).promote("1.0", person=TRAINER)


def test_who_promoted_a_model_with_which_share_and_why_stands_on_its_card() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    world.promote("2.0", 0.25, reason="a first look")
    world.promote("2.0")
    decisions = world.registry.model("eye", "2.0").decisions
    assert [(one.action, one.by, one.share, one.reason) for one in decisions] == [
        ("promote", "sub-other", 0.25, "a first look"),
        ("promote", "sub-other", 1, None),
    ]


def test_a_share_below_one_puts_the_model_beside_production() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    world.promote("2.0", 0.1)
    assert world.live() == ("1.0", "2.0", 0.1)
    page = Models(world.registry).page("eye", 10, None)
    assert [(one.model.version, one.production, one.share) for one in page.items] == [
        ("1.0", True, None),
        ("2.0", False, 0.1),
    ]


def test_a_trial_that_goes_on_keeps_its_beginning() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    began = world.promote("2.0", 0.1).candidate
    world.clock.advance(hours=2)
    goes_on = world.promote("2.0", 0.5).candidate
    assert began is not None
    assert goes_on is not None
    assert (goes_on.since, goes_on.share) == (began.since, 0.5)


def test_a_share_of_nothing_keeps_the_candidate_waiting() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    world.promote("2.0", 0.0)
    assert world.live() == ("1.0", "2.0", 0.0)


def test_one_candidate_at_a_time() -> None:
    world = World(trained("1.0"), trained("2.0"), trained("3.0"))
    world.promote("1.0")
    world.promote("2.0", 0.1)
    for share in (0.1, 1.0):
        with pytest.raises(ConflictError, match=r"2\.0 is on trial"):
            world.promote("3.0", share)
    assert world.live() == ("1.0", "2.0", 0.1)


def test_a_trial_needs_something_to_be_tried_beside() -> None:
    world = World(trained("1.0"))
    with pytest.raises(ConflictError, match="share 1"):
        world.promote("1.0", 0.5)


def test_to_promote_what_is_in_production_changes_nothing() -> None:
    world = World(trained("1.0"))
    assert world.promote("1.0").revision == world.promote("1.0").revision == 1


@pytest.mark.parametrize("status", [ModelStatus.REFUSED, ModelStatus.RETIRED])
def test_a_refused_or_retired_model_is_not_promoted(status: ModelStatus) -> None:
    world = World(trained("1.0", status))
    with pytest.raises(ConflictError, match=status):
        world.promote("1.0", reason="I want it")
    assert world.live() == (None, None, None)


def test_a_model_without_a_verdict_needs_a_second_admin_with_a_written_reason() -> None:
    world = World(trained("1.0", NOT_EVALUABLE))
    with pytest.raises(ConflictError, match="say why"):
        world.promote("1.0")
    with pytest.raises(ForbiddenError):
        world.promote("1.0", person=TRAINER, reason="It is mine")
    world.promote("1.0", reason="tried on 2000 images elsewhere")
    assert world.live() == ("1.0", None, None)
    assert world.audit.entries[-1].reason == "tried on 2000 images elsewhere"


def test_a_rollback_is_one_step_back_and_no_second_one() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    first = world.registry.production("eye")
    assert first is not None
    world.promote("2.0")
    back = world.rollback("2.0", reason="worse on scans")
    assert world.live() == ("1.0", None, None)
    assert back.files() == first.files(), "bytes, signature and all"
    assert (back.activated_by, back.reason, back.revision) == ("sub-other", "worse on scans", 3)
    with pytest.raises(ConflictError, match="does not serve"):
        world.rollback("2.0")


def test_the_trainer_may_roll_back_what_goes_wrong() -> None:
    world = World(trained("1.0"))
    world.promote("1.0")
    world.rollback("1.0", person=TRAINER)
    assert world.live() == (None, None, None)


def test_to_roll_back_the_first_model_leaves_none() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    world.rollback("1.0")
    assert world.live() == (None, None, None)
    with pytest.raises(ConflictError, match="does not serve"):
        world.rollback("1.0")
    with pytest.raises(ConflictError, match="share 1"):
        world.promote("2.0", 0.5)
    world.promote("2.0")
    assert world.live() == ("2.0", None, None)
    world.rollback("2.0")
    assert world.live() == (None, None, None), "what was withdrawn does not come back"


def test_to_roll_back_a_candidate_ends_its_trial() -> None:
    world = World(trained("1.0"), trained("2.0"))
    world.promote("1.0")
    world.promote("2.0", 0.5)
    world.rollback("2.0")
    assert world.live() == ("1.0", None, None)


def test_to_roll_back_production_ends_the_trial_beside_it() -> None:
    world = World(trained("1.0"), trained("2.0"), trained("3.0"))
    world.promote("1.0")
    world.promote("2.0")
    world.promote("3.0", 0.5)
    world.rollback("2.0")
    assert world.live() == ("1.0", None, None)


def test_a_model_that_serves_or_may_come_back_is_not_retired() -> None:
    world = World(trained("1.0"), trained("2.0"), trained("3.0"))
    world.promote("1.0")
    world.promote("2.0")
    world.promote("3.0", 0.5)
    for version, why in (("1.0", "go back to"), ("2.0", "serves"), ("3.0", "serves")):
        with pytest.raises(ConflictError, match=why):
            world.rollout.retire(world.asked(version))
    world.rollback("3.0")
    retired = world.rollout.retire(world.asked("3.0", reason="superseded"))
    assert retired.status is ModelStatus.RETIRED
    assert world.rollout.retire(world.asked("3.0")).decisions == retired.decisions, "again changes nothing"
    with pytest.raises(ConflictError, match="retired"):
        world.promote("3.0")


def test_a_model_that_is_promoted_at_the_same_moment_is_not_retired() -> None:
    world = World(trained("1.0"))
    rollout = Rollout(PromotedMeanwhile(world), world.audit, world.clock, owner_may_activate=True)
    with pytest.raises(ConflictError, match="same time"):
        rollout.retire(world.asked("1.0"))
    assert world.live() == ("1.0", None, None)
    assert world.registry.model("eye", "1.0").status is CANDIDATE


class PromotedMeanwhile(FakeRegistry):
    """Somebody else promotes the model between this registry's reads and its write."""

    def __init__(self, world: World) -> None:
        super().__init__(world.registry.models, world.registry.pointers)
        self._world = world

    def replace_model(self, model: RegisteredModel, pointer: ProductionPointer | None) -> None:
        self._world.promote("1.0")
        super().replace_model(model, pointer)


@pytest.mark.parametrize("deed", ["promote", "rollback", "retire", "activate"])
@pytest.mark.parametrize("name", [("eye", "9.9"), ("feet", "1.0"), ("eye", "x" * 65)])
def test_what_was_never_registered_is_not_found(deed: str, name: tuple[str, str]) -> None:
    world = World(trained("1.0"))
    asked = AskedOf(OTHER, *name, reason="because", correlation_id="c")
    arguments = (1.0,) if deed == "promote" else ()
    with pytest.raises(NotFoundError):
        getattr(world.rollout, deed)(asked, *arguments)


def test_the_glass_is_broken_for_a_model_without_a_verdict() -> None:
    world = World(trained("1.0"), trained("2.0"), trained("3.0", NOT_EVALUABLE))
    world.promote("1.0")
    world.promote("2.0", 0.5)
    world.rollout.activate(world.asked("3.0", reason="the clinic cannot wait"))
    assert world.live() == ("3.0", None, None)
    world.rollback("3.0")
    assert world.live() == ("1.0", None, None)


def test_who_trained_a_model_never_breaks_the_glass_for_it() -> None:
    world = World(trained("1.0", NOT_EVALUABLE))
    with pytest.raises(ForbiddenError):
        world.rollout.activate(world.asked("1.0", person=TRAINER, reason="It is mine"))


def test_who_brought_a_model_breaks_the_glass_for_it_only_where_that_is_allowed() -> None:
    alone = World(registered("1.0"))
    alone.rollout.activate(alone.asked("1.0", person=TRAINER, reason="a first model"))
    assert alone.live() == ("1.0", None, None)
    held = World(registered("1.0"), owner_may_activate=False)
    with pytest.raises(ForbiddenError):
        held.rollout.activate(held.asked("1.0", person=TRAINER, reason="a first model"))
    assert held.live() == (None, None, None)
