"""Cases by number: opened once, added to by many, decided once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes import START
from tests.unit.services.test_case_machine import DOCTOR, Clinic
from triagelens.domain.cases import SYSTEM, Case, CaseStatus, HistoryEntry, Move
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TransitionError,
)
from triagelens.domain.people import Person, Role
from triagelens.services.cases import NewCase
from triagelens.services.numbered_cases import TRIES, Decided, NumberedCases

GP = Person(sub="gp", username="gp", role=Role.GP, created_at=START)
STRANGER = Person(sub="stranger", username="stranger", role=Role.GP, created_at=START)
CONFIRMED = Decided(Move.CONFIRM, None, "nv")


class Desk(Clinic):
    """A clinic whose people know numbers only."""

    def __init__(self) -> None:
        super().__init__()
        self.numbered = NumberedCases(self.cases, self.records.numbers, "request")
        self.number = self.records.numbers.take("gp")

    def add(self, *image_ids: str, **more: Any) -> Case:
        return self.numbered.add(GP, self.number, "skin", image_ids, **more)

    def meanwhile(self, happens: Callable[[], object], times: int = 1) -> None:
        """Lets something happen between reading and writing, so many times."""
        write, left = self.records.replace_case, [times]

        def replace_case(before: Case, after: Case, entry: HistoryEntry) -> Case:
            if left[0]:
                left[0] -= 1
                happens()
            return write(before, after, entry)

        self.records.replace_case = replace_case  # type: ignore[method-assign]  # the fake's own seam


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_photo_opens_the_case_and_further_ones_join_it(desk: Desk) -> None:
    first, second = desk.image("gp"), desk.image("gp")
    opened = desk.add(first)
    assert (opened.number, opened.status, opened.image_ids) == (desk.number, CaseStatus.OPEN, (first,))
    assert desk.add(second).image_ids == (first, second)


def test_what_is_said_twice_changes_nothing(desk: Desk) -> None:
    image = desk.image("gp")
    assert desk.add(image, notes="itches") == desk.add(image, notes="itches")
    decided = desk.numbered.decide(GP, desk.number, CONFIRMED)
    assert desk.numbered.decide(GP, desk.number, CONFIRMED) == decided
    assert desk.add(image) == decided


def test_photos_that_come_at_once_are_all_in_one_case(desk: Desk) -> None:
    images = [desk.image("gp") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(desk.add, images))
    (case,) = desk.records.records.values()
    assert set(case.image_ids) == set(images)


def test_a_photo_joins_although_somebody_writes_at_the_same_moment(desk: Desk) -> None:
    image = desk.image("gp")
    desk.add(desk.image("gp"))

    def note() -> None:
        case = desk.numbered.case(DOCTOR, desk.number)
        desk.records.records[case.case_id] = case.model_copy(
            update={"notes": "seen", "version": (case.version or 0) + 1}
        )

    desk.meanwhile(note)
    case = desk.add(image)
    assert (case.notes, image in case.image_ids) == ("seen", True)
    desk.meanwhile(note, times=TRIES)
    with pytest.raises(OutdatedError):
        desk.add(desk.image("gp"))


def test_a_decision_about_a_case_that_changes_is_not_tried_again(desk: Desk) -> None:
    desk.add(desk.image("gp"))
    desk.meanwhile(lambda: desk.add(desk.image("gp")))
    with pytest.raises(OutdatedError):
        desk.numbered.decide(GP, desk.number, CONFIRMED)
    assert desk.numbered.case(GP, desk.number).status is CaseStatus.OPEN


def test_a_decision_is_made_although_the_platform_doubts_the_case_at_the_same_moment(desk: Desk) -> None:
    desk.add(desk.image("gp"))

    def doubt() -> None:
        case = desk.numbered.case(DOCTOR, desk.number)
        doubted = case.after(Move.DOUBT, SYSTEM, desk.clock(), "ranking")
        newer = {"version": (case.version or 0) + 1}
        desk.records.records[case.case_id] = doubted.model_copy(update=newer)

    desk.meanwhile(doubt)
    assert desk.numbered.decide(GP, desk.number, CONFIRMED).status is CaseStatus.CONFIRMED


def test_another_decision_than_the_one_made_is_refused(desk: Desk) -> None:
    desk.add(desk.image("gp"))
    desk.numbered.decide(GP, desk.number, CONFIRMED)
    for person, other in (
        (GP, Decided(Move.CONFIRM, None, "mel")),
        (DOCTOR, CONFIRMED),
        (GP, Decided(Move.REJECT, "no")),
    ):
        with pytest.raises(TransitionError):
            desk.numbered.decide(person, desk.number, other)
    with pytest.raises(TransitionError):
        desk.add(desk.image("gp"))


def test_strangers_are_told_the_same_of_every_number(desk: Desk) -> None:
    opened = desk.numbered.add(GP, desk.records.numbers.take("gp"), "skin", [desk.image("gp")])
    asks: list[Callable[[int], object]] = [
        lambda number: desk.numbered.case(STRANGER, number),
        lambda number: desk.numbered.add(STRANGER, number, "skin", [desk.image("stranger")]),
        lambda number: desk.numbered.decide(STRANGER, number, CONFIRMED),
    ]
    said = set()
    for number in (opened.number, desk.number, 99_999):
        for ask in asks:
            with pytest.raises(NotFoundError) as refused:
                ask(number)
            said.add(str(refused.value))
    assert len(said) == 1


def test_a_case_is_not_opened_without_a_photo_or_with_one_of_another_case(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        desk.add()
    taken = desk.image("gp")
    desk.cases.open(GP, NewCase("skin", (taken,)), "request")
    with pytest.raises(ConflictError, match="another case"):
        desk.add(taken)
    assert desk.numbered.find(GP, desk.number) is None
