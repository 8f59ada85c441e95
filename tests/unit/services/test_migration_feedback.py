"""What people said of their former system is theirs once they come, and never over what they say here."""

from datetime import timedelta

import pytest

from tests.fakes import START
from tests.unit.services.test_migration import JOHN, World
from triagelens.domain.feedback import Feedback
from triagelens.domain.ids import new_id_of
from triagelens.domain.migration import FormerFeedback

SAID = FormerFeedback(rating=4, text="Fast.", submitted_at=START - timedelta(days=90))


@pytest.fixture
def world() -> World:
    return World()


def test_what_somebody_said_before_is_theirs_once_they_come(world: World) -> None:
    world.take(JOHN.model_copy(update={"feedback": SAID}))
    assert world.feedback.records == {}
    world.come()
    world.sign_in()
    given = world.feedback.records["sub-user001"]
    assert (given.rating, given.text, given.submitted_at) == (4, "Fast.", SAID.submitted_at)
    later = new_id_of(START)
    assert given.feedback_id < later, "it stands among others where it was said"
    left = world.records.migration("user001")
    assert left is not None
    assert left.feedback is None


def test_an_arrival_that_stopped_half_way_loses_and_doubles_no_feedback(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError("a fault")

    world.take(JOHN.model_copy(update={"feedback": SAID}))
    world.come()
    for port, method in ((world.feedback, "write"), (world.records, "complete")):
        with monkeypatch.context() as patch:
            patch.setattr(port, method, dies)
            with pytest.raises(OSError, match="a fault"):
                world.sign_in()
    world.sign_in()
    assert [(one.text, one.version) for one in world.feedback.records.values()] == [("Fast.", 1)]


def test_nothing_that_was_said_since_is_written_over(world: World) -> None:
    world.take(JOHN.model_copy(update={"feedback": SAID.model_copy(update={"submitted_at": None})}))
    world.come()
    since = Feedback(feedback_id=new_id_of(START), person="sub-user001", rating=1, submitted_at=START)
    world.feedback.write(since)
    world.sign_in()
    assert world.feedback.records["sub-user001"].rating == 1


def test_when_it_was_said_may_be_unknown(world: World) -> None:
    world.take(JOHN.model_copy(update={"feedback": FormerFeedback(rating=5)}))
    world.come()
    world.sign_in()
    assert world.feedback.records["sub-user001"].submitted_at == START
