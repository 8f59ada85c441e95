"""The case's state machine, driven by concurrent writers in every order that Hypothesis thinks of."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tests.fake_cases import FakeCases
from tests.fakes import START, FakeCasework, FakeClock
from triagelens.domain.cases import MOVES, UNDECIDED, Case, CaseStatus, Move
from triagelens.domain.errors import OutdatedError, TransitionError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.people import Person, Role
from triagelens.services.cases import Cases, NewCase
from triagelens.services.changes import Asked
from triagelens.services.images import Images

DOCTOR = Person(sub="doctor", username="doctor", role=Role.DOCTOR, created_at=START)


class Clinic:
    """Cases over fakes, with images to put into them."""

    def __init__(self) -> None:
        self.clock, self.casework, self.records = FakeClock(), FakeCasework(), FakeCases()
        images = Images(self.casework, self.clock, timedelta(days=4))
        self.cases = Cases(self.records, self.records.numbers, self.casework, images, self.clock)

    def image(self, owner: str = "doctor", specialty: str = "skin") -> str:
        """A new image's id."""
        record = ImageRecord(
            image_id=new_id(),
            owner=owner,
            specialty=specialty,
            status=ImageStatus.ANALYZED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
            upload_expires_at=START,
            created_at=START,
            updated_at=START,
            correlation_id="correlation",
        )
        return self.casework.replace_image(record).image_id

    def open(self, *image_ids: str) -> Case:
        return self.cases.open(DOCTOR, NewCase("skin", image_ids or (self.image(),)), "request")

    def act(self, case: Case, action: Move, text: str) -> Case:
        """Does `action` to the version of the case that the caller has in hand."""
        asked = Asked(DOCTOR, frozenset({case.version or 0}), "request")
        stored = self.cases.visible_to(DOCTOR, case.case_id)
        if action is Move.AMEND:
            return self.cases.amend(asked, stored, {"notes": text})
        diagnosis = text if action is Move.CONFIRM else None
        return self.cases.decide(asked, stored, action, text, diagnosis)


class WritersOfOneCase(RuleBasedStateMachine):
    """Writers read the case, and act on what they read however long ago that was."""

    reads = Bundle("reads")

    @initialize()
    def begin(self) -> None:
        self.clinic = Clinic()
        self.image = self.clinic.image()
        self.stored = self.clinic.open(self.image)
        self.written = 1

    @rule(target=reads)
    def read(self) -> Case:
        return self.clinic.cases.visible_to(DOCTOR, self.stored.case_id)

    @rule(case=reads, action=st.sampled_from(list(Move)), text=st.text(min_size=1, max_size=9))
    def act(self, case: Case, action: Move, text: str) -> None:
        if case.version != self.stored.version:
            with pytest.raises(OutdatedError):
                self.clinic.act(case, action, text)
        elif (case.status, action) not in MOVES:
            with pytest.raises(TransitionError):
                self.clinic.act(case, action, text)
        else:
            after = self.clinic.act(case, action, text)
            assert after.status is MOVES[case.status, action]
            assert text in (after.notes, after.final_diagnosis, after.decision and after.decision.reason)
            self.stored, self.written = after, self.written + 1

    @rule()
    def another_case_wants_the_image(self) -> None:
        if self.stored.status in UNDECIDED:
            with pytest.raises(Exception, match="not decided yet"):
                self.clinic.open(self.image)

    @invariant()
    def a_refusal_changes_nothing(self) -> None:
        assert self.clinic.records.records[self.stored.case_id] == self.stored

    @invariant()
    def the_history_tells_every_change_and_ends_where_the_case_is(self) -> None:
        entries = [entry for entry in self.clinic.records.entries if entry.case_id == self.stored.case_id]
        assert len(entries) == self.written == self.stored.version
        told: dict[str, object] = {}
        for entry in entries:
            assert {name: told.get(name) for name in entry.before} == entry.before
            told |= entry.after
        assert told["status"] == self.stored.status
        assert told.get("notes") == self.stored.notes
        assert told.get("final_diagnosis") == self.stored.final_diagnosis

    @invariant()
    def the_image_is_taken_exactly_while_the_case_is_undecided(self) -> None:
        taken = {self.image: self.stored.case_id} if self.stored.status in UNDECIDED else {}
        assert self.clinic.records.claims == taken


WritersOfOneCase.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestWritersOfOneCase = WritersOfOneCase.TestCase


@pytest.mark.parametrize("status", CaseStatus)
@pytest.mark.parametrize("action", Move)
def test_every_transition_that_is_not_drawn_is_refused(status: CaseStatus, action: Move) -> None:
    case = Clinic().open().model_copy(update={"status": status})
    if (status, action) in MOVES:
        assert case.after(action, "doctor", START, "request").status is MOVES[status, action]
    else:
        with pytest.raises(TransitionError, match=status):
            case.after(action, "doctor", START, "request")


def test_the_drawn_transitions_are_these_and_a_decision_is_final() -> None:
    drawn = {(before.value, after.value) for (before, _), after in MOVES.items() if before is not after}
    assert drawn == {
        ("open", "confirmed"),
        ("open", "uncertain"),
        ("open", "rejected"),
        ("uncertain", "confirmed"),
        ("uncertain", "rejected"),
    }


def test_a_hundred_writers_at_once_lose_no_update() -> None:
    clinic = Clinic()
    case_id = clinic.open().case_id

    def add(word: str) -> None:
        while True:
            case = clinic.cases.visible_to(DOCTOR, case_id)
            try:
                asked = Asked(DOCTOR, frozenset({case.version or 0}), "request")
                clinic.cases.amend(asked, case, {"notes": f"{case.notes or ''} {word}"})
            except OutdatedError:
                continue
            return

    words = [f"w{number}" for number in range(100)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, words))
    final = clinic.cases.visible_to(DOCTOR, case_id)
    assert sorted((final.notes or "").split()) == sorted(words)
    assert final.version == 101
