"""Opening a case for review while people work on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.fake_cases import FakeCases
from tests.fakes import START, FakeClock
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.cases import SYSTEM, Case, CaseStatus, Move
from triagelens.domain.errors import UnavailableError
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.review import ReviewItem
from triagelens.services.ports import Page
from triagelens.services.ranking import TRIES, Ranking

MODEL = ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64)
FINDING = Prediction.ranked(
    {"nv": 0.9, "mel": 0.1},
    specialty="skin",
    model=MODEL,
    demonstration=False,
    intended_use="tests",
    judgement=Judgement(decision=ModelDecision.ABSTAIN, reasons=(DecisionReason.OUT_OF_DISTRIBUTION,)),
)


@dataclass
class FakeReview:
    """The queue; `meanwhile` happens after the findings were read and before anything is written."""

    cases_of_images: dict[str, str]
    meanwhile: Callable[[], None]
    queue: dict[str, ReviewItem | None] = field(default_factory=dict)
    placed: int = 0

    def undecided_case_of(self, image_id: str) -> str | None:
        return self.cases_of_images.get(image_id)

    def findings(self, image_ids: Sequence[str]) -> list[tuple[str, Prediction]]:
        self.meanwhile()
        return [(image_id, FINDING) for image_id in image_ids]

    def place(self, case: Case, panel: Panel, item: ReviewItem | None) -> bool:
        self.placed += 1
        self.queue[case.case_id] = item
        return True

    def first(self, specialty: str, strategy: object, limit: int, cursor: str | None) -> Page[ReviewItem]:
        raise NotImplementedError

    def cases(self, case_ids: Sequence[str]) -> dict[str, Case]:
        raise NotImplementedError


class World:
    def __init__(self) -> None:
        self.clock, self.records = FakeClock(), FakeCases()
        case = Case(
            case_id="case",
            number=self.records.numbers.take("gp"),
            specialty="skin",
            status=CaseStatus.OPEN,
            owner="gp",
            image_ids=("image",),
            created_at=START,
            updated_at=START,
            updated_by="gp",
            correlation_id="request",
        )
        self.records.add_case(case, case.entry("case.create", None))
        self.meanwhile: list[Move] = []
        self.review = FakeReview({"image": "case"}, self._act)
        self.ranking = Ranking(self.records, self.records, self.review, self.clock)

    def _act(self) -> None:
        if self.meanwhile:
            before = self.case
            after = before.after(self.meanwhile.pop(0), "doctor", START, "request")
            self.records.replace_case(before, after, after.entry("case.changed", before))

    @property
    def case(self) -> Case:
        return self.records.case("case")


@pytest.mark.parametrize("move", [Move.CONFIRM, Move.REJECT])
def test_a_decision_that_falls_meanwhile_stands(move: Move) -> None:
    world = World()
    world.meanwhile = [move]
    world.ranking.image_analysed("image", "news")
    assert world.case.status.startswith(move.value)
    assert [entry.by for entry in world.records.entries] == ["gp", "doctor"]
    assert (world.review.queue["case"] is None) is (move is Move.REJECT)


def test_an_opening_that_lost_to_another_change_is_made_again_and_once() -> None:
    world = World()
    world.meanwhile = [Move.AMEND, Move.AMEND]
    world.ranking.image_analysed("image", "news")
    world.ranking.place("case", "the same news")
    assert world.case.status is CaseStatus.UNCERTAIN
    assert [entry.by for entry in world.records.entries] == ["gp", "doctor", "doctor", SYSTEM]
    assert world.case.correlation_id == "news"
    assert world.review.queue["case"] is not None


def test_a_case_that_never_holds_still_is_left_to_a_redelivery() -> None:
    world = World()
    world.meanwhile = [Move.AMEND] * TRIES
    with pytest.raises(UnavailableError):
        world.ranking.place("case", "news")
    assert world.review.placed == 0
    world.ranking.place("case", "news again")
    assert world.case.status is CaseStatus.UNCERTAIN


def test_an_image_of_no_case_and_a_case_that_is_gone_change_nothing() -> None:
    world = World()
    world.ranking.image_analysed("another image", "news")
    world.ranking.place("another case", "news")
    assert (len(world.records.entries), world.review.placed) == (1, 0)
