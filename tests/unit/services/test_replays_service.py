"""A replay scores each image once, however often its messages come, and lists every other answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fake_registry import FakeRegistry
from tests.fakes import START, FakeClock, FakeWorkingImages, stored_in
from tests.unit.services.test_models_by_hand_service import DIGEST, registered
from tests.unit.services.test_rollout_service import OTHER
from triagelens.domain.errors import ConflictError, ModelError, ModelIntegrityError, NotFoundError
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.models import ModelStatus, RegisteredModel
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.replay import (
    MOST_IMAGES,
    SCORED_ON_A_PAGE,
    Flip,
    Position,
    Replay,
    ReplayRequest,
    ReplayStatus,
    pairs,
)
from triagelens.services.replays import Replaying, Replays, Score
from triagelens.services.rollout import AskedOf

OLD_MODEL = "e" * 64


def finding(label: str, probability: float = 0.9, digest: str = OLD_MODEL) -> Prediction:
    other = "cataract" if label == "normal" else "normal"
    return Prediction.ranked(
        {label: probability, other: 1 - probability},
        specialty="eye",
        model=ModelIdentity(name="m", version="0", sha256=digest, manifest_sha256=digest),
        demonstration=False,
        intended_use="tests",
    )


@dataclass
class FakeRecords:
    records: dict[str, Replay] = field(default_factory=dict)

    def replay(self, replay_id: str) -> Replay:
        return stored_in(self.records, replay_id)

    def put_replay(self, replay: Replay) -> Replay:
        stored = self.records.get(replay.replay_id)
        if (stored.lock if stored else None) != replay.lock:
            raise ConflictError("changed")
        self.records[replay.replay_id] = replay.model_copy(update={"lock": (replay.lock or 0) + 1})
        return self.records[replay.replay_id]


@dataclass
class FakeQueue:
    sent: list[ReplayRequest] = field(default_factory=list)

    def send(self, request: ReplayRequest) -> None:
        self.sent.append(request)


@dataclass
class FakeImages:
    records: list[ImageRecord] = field(default_factory=list)

    def behind(self, position: Position | None, most: int) -> Sequence[tuple[Position, ImageRecord]]:
        latest = sorted(self.records, key=lambda record: record.image_id, reverse=True)
        last = position.image_id if position else None
        found = [record for record in latest if last is None or record.image_id < last]
        return [(Position(month="202611", image_id=record.image_id), record) for record in found[:most]]


class World:
    def __init__(self) -> None:
        self.registry, self.records, self.queue = FakeRegistry(), FakeRecords(), FakeQueue()
        self.images, self.files, self.clock = FakeImages(), FakeWorkingImages(), FakeClock()
        self.registry.add_model(registered("1.0"))
        self.said: dict[bytes, str] = {}
        self.scored: list[bytes] = []
        self.replays = Replays(self.registry, self.records, self.queue, self.clock)
        self.replaying = Replaying(
            self.registry, self.records, self.queue, self.images, self.files, self.open, self.clock
        )

    def open(self, model: RegisteredModel) -> Score:
        def score(data: bytes) -> Prediction:
            self.scored.append(data)
            said = self.said.get(data, "normal")
            if said == "fails":
                raise ModelError("told to fail")
            return finding(said, 0.8, DIGEST)

        return score

    def add(self, number: int, old: str = "normal", new: str = "normal", **changes: Any) -> str:
        image_id = f"01k9qq3ztm5c2v8e6x4r1n{number:04}"
        data = image_id.encode()
        self.files.write(f"working/{image_id}", data)
        self.said[data] = new
        record = ImageRecord(
            image_id=image_id,
            owner="somebody",
            specialty="eye",
            status=ImageStatus.ANALYZED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
            upload_expires_at=START,
            created_at=START,
            updated_at=START,
            correlation_id="c",
            working_image=WorkingImage(key=f"working/{image_id}", width=1, height=1),
            prediction=finding(old, 0.5 + number / 10_000),
        )
        self.images.records.append(record.model_copy(update=changes))
        return image_id

    def begin(self, limit: int = MOST_IMAGES) -> str:
        return self.replays.begin(AskedOf(OTHER, "eye", "1.0", None, "c"), limit).replay_id

    def work(self, times: int = 1) -> None:
        """Delivers every message, and those that they lead to, so many times each."""
        while self.queue.sent:
            message = self.queue.sent.pop(0)
            for _ in range(times):
                self.replaying.run(message)


def test_every_flip_is_listed_with_its_image() -> None:
    world = World()
    kept, lost, found = world.add(1), world.add(2, old="cataract"), world.add(3, new="cataract")
    replay_id = world.begin()
    assert world.replays.replay("eye", "1.0", replay_id).status is ReplayStatus.QUEUED
    world.work()
    replay = world.replays.replay("eye", "1.0", replay_id)
    assert (replay.status, replay.scored) == (ReplayStatus.COMPLETED, 3)
    assert {(flip.image_id, flip.old, flip.new) for flip in replay.flips} == {
        (lost, "cataract", "normal"),
        (found, "normal", "cataract"),
    }
    assert kept.encode() in world.scored


def test_a_replay_of_many_images_goes_page_by_page_and_scores_each_once() -> None:
    world = World()
    for number in range(2 * SCORED_ON_A_PAGE + 7):
        world.add(number)
    replay_id = world.begin()
    world.work()
    replay = world.replays.replay("eye", "1.0", replay_id)
    assert replay.status is ReplayStatus.COMPLETED
    assert replay.scored == len(world.scored) == len(set(world.scored)) == 2 * SCORED_ON_A_PAGE + 7
    assert replay.page == 3


def test_the_limit_is_kept_and_the_latest_images_are_taken() -> None:
    world = World()
    ids = [world.add(number) for number in range(SCORED_ON_A_PAGE + 20)]
    replay_id = world.begin(limit=SCORED_ON_A_PAGE + 5)
    world.work()
    assert world.replays.replay("eye", "1.0", replay_id).scored == SCORED_ON_A_PAGE + 5
    assert {data.decode() for data in world.scored} == set(ids[15:])


@pytest.mark.parametrize("times", [2, 5])
def test_a_message_that_comes_again_scores_nothing_twice(times: int) -> None:
    world = World()
    for number in range(2 * SCORED_ON_A_PAGE):
        world.add(number, new="cataract")
    replay_id = world.begin()
    world.work(times)
    replay = world.replays.replay("eye", "1.0", replay_id)
    assert replay.status is ReplayStatus.COMPLETED
    assert replay.scored == len(replay.flips) == 2 * SCORED_ON_A_PAGE


def test_a_page_done_twice_at_once_counts_once() -> None:
    world = World()
    for number in range(SCORED_ON_A_PAGE + 1):
        world.add(number, new="cataract")
    replay_id = world.begin()
    (message,) = world.queue.sent
    before = world.records.replay(replay_id)
    world.replaying.run(message)
    after = world.records.replay(replay_id)
    world.records.records[replay_id] = before  # the other doer has read the record before it was written
    second = Replaying(
        world.registry, Overtaken(world.records, after), world.queue, world.images, world.files, world.open,
        world.clock,
    )  # fmt: skip
    assert second.run(message) == after
    world.work()
    assert world.records.replay(replay_id).scored == SCORED_ON_A_PAGE + 1


class Overtaken(FakeRecords):
    """Records into which somebody else writes a page before ours."""

    def __init__(self, real: FakeRecords, after: Replay) -> None:
        super().__init__(real.records)
        self._after = after

    def put_replay(self, replay: Replay) -> Replay:
        self.records[replay.replay_id] = self._after
        return super().put_replay(replay)


def test_a_doer_that_died_before_it_asked_for_the_next_page_is_made_up_for() -> None:
    world = World()
    for number in range(SCORED_ON_A_PAGE + 3):
        world.add(number)
    replay_id = world.begin()
    message = world.queue.sent[0]
    world.replaying.run(message)
    world.queue.sent.clear()  # it died after the record and before the message
    world.replaying.run(message)
    world.work()
    assert world.records.replay(replay_id).status is ReplayStatus.COMPLETED
    assert world.records.replay(replay_id).scored == SCORED_ON_A_PAGE + 3


def test_what_cannot_be_compared_is_left_out_and_said() -> None:
    world = World()
    world.add(1, specialty="skin")
    world.add(2, prediction=finding("normal", digest=DIGEST))
    gone = world.add(3)
    world.files.delete(f"working/{gone}")
    failing = world.add(4, new="fails")
    world.add(5)
    replay_id = world.begin()
    world.work()
    replay = world.records.replay(replay_id)
    assert (replay.scored, replay.missing, replay.failures) == (1, 1, (failing,))


def test_a_model_whose_bytes_are_not_those_registered_fails_the_replay() -> None:
    world = World()
    world.add(1)

    def tampered(model: RegisteredModel) -> Score:
        raise ModelIntegrityError("other bytes")

    replay_id = world.begin()
    replaying = Replaying(
        world.registry, world.records, world.queue, world.images, world.files, tampered, world.clock
    )
    replay = replaying.run(world.queue.sent[0])
    assert (replay.status, replay.message) == (ReplayStatus.FAILED, "other bytes")
    assert replay.replay_id == replay_id


def test_a_replay_that_is_given_up_says_so_and_stays_so() -> None:
    world = World()
    world.add(1)
    world.begin()
    (message,) = world.queue.sent
    assert world.replaying.give_up(message).status is ReplayStatus.FAILED
    assert world.replaying.run(message).status is ReplayStatus.FAILED


@pytest.mark.parametrize("status", [ModelStatus.REFUSED, ModelStatus.RETIRED])
def test_a_model_that_may_not_run_is_not_replayed(status: ModelStatus) -> None:
    world = World()
    world.registry.add_model(registered("2.0", status))
    with pytest.raises(ConflictError, match=status):
        world.replays.begin(AskedOf(OTHER, "eye", "2.0", None, "c"), 10)
    assert world.queue.sent == []


@pytest.mark.parametrize(("version", "replay_id"), [("2.0", None), ("1.0", "nonsense")])
def test_a_replay_of_another_model_is_not_found(version: str, replay_id: str | None) -> None:
    world = World()
    known = world.begin()
    with pytest.raises(NotFoundError):
        world.replays.replay("eye", version, replay_id or known)


def test_what_no_longer_looks_urgent_comes_first() -> None:
    def flips(old: str, new: str, *confidences: float) -> list[Flip]:
        return [
            Flip(image_id=f"{old}-{new}-{one}", old=old, old_confidence=one, new=new, new_confidence=0.5)
            for one in confidences
        ]

    found = pairs(
        [*flips("nv", "bkl", 0.5, 0.6, 0.7), *flips("nv", "mel", 0.5, 0.9), *flips("mel", "nv", 0.6, 0.8)],
        {"mel", "bcc"},
    )
    assert [(pair.old, pair.new, pair.count) for pair in found] == [
        ("mel", "nv", 2),
        ("nv", "mel", 2),
        ("nv", "bkl", 3),
    ]
    assert found[0].image_ids == ("mel-nv-0.8", "mel-nv-0.6"), "the most certain first"
