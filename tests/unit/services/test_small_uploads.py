"""Photos that come in a request of the API: the way of every photo, by another door."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import (
    START,
    FakeCasework,
    FakeClock,
    FakeInferenceQueue,
    FakeOriginals,
    FakeStopwatch,
    FakeWaitingRoom,
)
from tests.photos import photo
from triagelens.domain.errors import TooLargeError, UnknownSpecialtyError, UnreadableImageError
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, WorkingImage
from triagelens.domain.people import Person, Role
from triagelens.services.images import LONGEST_WAIT_S, Images, Waiting, retry
from triagelens.services.small_uploads import MOST_BYTES, MOST_PHOTOS, Photo, Sender, SmallUploads
from triagelens.services.uploads import UploadRules, Uploads

ADA = Person(sub="sub-ada", username="ada", role=Role.GP, created_at=START)
RULES = UploadRules(form_lifetime=timedelta(minutes=10), max_bytes=50_000_000)
BROKEN = Failure(code="no_model", message="There is none.", retryable=False)
GONE = Failure(code="working_image_gone", message="It is gone.", retryable=False)
WORKING = WorkingImage(key="working", width=80, height=80)
SMALL = photo(width=80, height=80)
OTHER = photo(width=80, height=80, seed=2)


def sender(context: str = "case 10000", specialty: str = "skin", patient_id: str | None = None) -> Sender:
    return Sender(ADA, specialty, context, "correlation", patient_id)


class World:
    """`on_pause` is what happens while somebody waits."""

    def __init__(self, on_pause: Callable[["World"], None] = lambda world: None, places: int = 1) -> None:
        self.casework = FakeCasework()
        self.originals = FakeOriginals()
        clock = FakeClock()
        self.stopwatch = FakeStopwatch(lambda: on_pause(self))
        images = Images(self.casework, clock, timedelta(days=4))
        waiting = Waiting(self.casework, images, FakeWaitingRoom(places=places), self.stopwatch)
        self.queue = FakeInferenceQueue()
        self.uploads = SmallUploads(
            Uploads(self.casework, self.originals, clock, RULES),
            self.originals,
            waiting,
            lambda record: retry(record, self.casework, self.queue, clock),
            self.stopwatch,
        )

    def records(self) -> list[ImageRecord]:
        return list(self.casework.records.values())

    def fail(self, record: ImageRecord, failure: Failure = BROKEN) -> None:
        self.casework.replace_image(record.move(ImageStatus.FAILED, START, failure=failure))

    def accept(self, record: ImageRecord) -> ImageRecord:
        accepted = record.move(ImageStatus.ACCEPTED, START, object_version="v1", working_image=WORKING)
        return self.casework.replace_image(accepted)


def fail_one(world: World) -> None:
    """The first image that is still on its way ends."""
    waiting = [record for record in world.records() if record.status is ImageStatus.AWAITING_UPLOAD]
    if waiting:
        world.fail(waiting[0])


def test_a_photo_is_stored_and_what_becomes_of_it_is_waited_for() -> None:
    world = World(fail_one)
    (waited,) = world.uploads.analyse(sender(), [Photo(SMALL, filename="a.jpg")])
    assert waited.record.status is ImageStatus.FAILED
    assert list(world.originals.objects.values()) == [SMALL]
    assert [key for key, _ in world.originals.objects] == [waited.record.upload_key]


def test_its_declaration_is_read_off_its_bytes() -> None:
    world = World(fail_one)
    (waited,) = world.uploads.analyse(sender(patient_id="01p"), [Photo(SMALL, filename="a.png")])
    told = waited.record.upload
    assert (told.content_type, told.size_bytes) == ("image/jpeg", len(SMALL))
    assert told.sha256 == hashlib.sha256(SMALL).hexdigest()
    assert (told.original_filename, waited.record.patient_id) == ("a.png", "01p")


def fail_analysis(world: World) -> None:
    """The one image passes its check, and its analysis fails."""
    (record,) = world.records()
    if record.status is ImageStatus.AWAITING_UPLOAD:
        record = world.accept(record)
    world.fail(record)


@pytest.mark.parametrize("status", ["awaiting_upload", "accepted"])
def test_the_same_photo_sent_again_is_the_image_that_it_was(status: str) -> None:
    world = World()
    first = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    if status == "accepted":
        world.accept(world.casework.image(first.image_id))
    again = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    assert (again.image_id, again.status) == (first.image_id, status)
    assert len(world.records()) == 1
    assert world.queue.sent == []


def test_the_same_photo_sent_again_is_analysed_again_where_its_analysis_failed() -> None:
    world = World(fail_analysis)
    first = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    world.stopwatch.on_pause = lambda: None
    again = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    assert (first.status, again.status) == (ImageStatus.FAILED, ImageStatus.ACCEPTED)
    assert [(sent.image_id, sent.attempt) for sent in world.queue.sent] == [(first.image_id, 1)]
    assert len(world.originals.objects) == len(world.records()) == 1


@pytest.mark.parametrize("failure", [None, GONE], ids=["before there was one", "since it is gone"])
def test_the_same_photo_sent_again_is_a_new_image_where_there_is_no_working_image(
    failure: Failure | None,
) -> None:
    world = World()
    ids = []
    for _ in range(3):
        image_id = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record.image_id
        record = world.casework.image(image_id)
        world.fail(world.accept(record) if failure else record, failure or BROKEN)
        ids.append(image_id)
    assert len({*ids}) == len(world.records()) == len(world.originals.objects) == 3
    assert world.queue.sent == []


def test_a_failed_photo_that_is_sent_again_twice_at_once_is_taken_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(fail_analysis)
    first = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    world.stopwatch.on_pause = lambda: None
    write = world.casework.replace_image

    def overtaken(record: ImageRecord) -> ImageRecord:
        monkeypatch.setattr(world.casework, "replace_image", write)
        world.uploads.retry(world.casework.image(first.image_id))  # the other request
        return write(record)

    monkeypatch.setattr(world.casework, "replace_image", overtaken)
    again = world.uploads.analyse(sender(), [Photo(SMALL)])[0].record
    assert (again.image_id, again.status, again.attempt) == (first.image_id, ImageStatus.ACCEPTED, 1)
    assert len(world.queue.sent) == len(world.records()) == 1


@pytest.mark.parametrize(
    "other",
    [
        (sender(context="case 10001"), Photo(SMALL)),
        (sender(specialty="oral"), Photo(SMALL)),
        (sender(patient_id="01p"), Photo(SMALL)),
        (sender(), Photo(OTHER)),
        (sender(), Photo(SMALL, purpose="training")),
    ],
    ids=["another case", "another specialty", "another patient", "another photo", "another purpose"],
)
def test_anything_else_is_another_image(other: tuple[Sender, Photo]) -> None:
    world = World(fail_one)
    world.uploads.analyse(sender(), [Photo(SMALL)])
    world.uploads.analyse(other[0], [other[1]])
    assert len(world.records()) == 2


def test_whoever_died_before_the_bytes_were_stored_sends_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def died(*_: object) -> None:
        raise ConnectionError

    world = World(fail_one)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.originals, "write", died)
        with pytest.raises(ConnectionError):
            world.uploads.analyse(sender(), [Photo(SMALL)])
    (waited,) = world.uploads.analyse(sender(), [Photo(SMALL)])
    assert [record.image_id for record in world.records()] == [waited.record.image_id]
    assert list(world.originals.objects.values()) == [SMALL]


def test_several_photos_share_one_wait_and_one_place() -> None:
    world = World(fail_one)
    waited = world.uploads.analyse(sender(), [Photo(SMALL), Photo(OTHER)])
    assert [one.record.status for one in waited] == [ImageStatus.FAILED] * 2
    assert len(world.stopwatch.pauses) == 2


def test_a_wait_ends_and_says_how_far_each_photo_is() -> None:
    once: list[World] = []

    def only_one(world: World) -> None:
        if not once:
            once.append(world)
            fail_one(world)

    world = World(only_one)
    waited = world.uploads.analyse(sender(), [Photo(SMALL), Photo(OTHER)])
    assert {one.record.status for one in waited} == {ImageStatus.FAILED, ImageStatus.AWAITING_UPLOAD}
    assert sum(world.stopwatch.pauses) == pytest.approx(LONGEST_WAIT_S)


def test_the_time_that_it_takes_to_store_the_photos_is_part_of_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    store = world.originals.write

    def slow(*photo: Any) -> None:
        world.stopwatch.pauses.append(3)
        store(*photo)

    monkeypatch.setattr(world.originals, "write", slow)
    waited = world.uploads.analyse(sender(), [Photo(SMALL), Photo(OTHER)])
    assert [one.record.status for one in waited] == [ImageStatus.AWAITING_UPLOAD] * 2
    assert world.stopwatch.now() == pytest.approx(LONGEST_WAIT_S)


def test_where_too_many_wait_the_photo_is_kept_and_nobody_waits() -> None:
    world = World(places=0)
    (waited,) = world.uploads.analyse(sender(), [Photo(SMALL)])
    assert waited.seconds is None
    assert world.stopwatch.pauses == []
    assert list(world.originals.objects.values()) == [SMALL]


@pytest.mark.parametrize(
    ("asked", "photos", "error"),
    [
        (sender(), [Photo(SMALL), Photo(SMALL + bytes(MOST_BYTES - 2 * len(SMALL) + 1))], TooLargeError),
        (sender(), [Photo(SMALL + bytes([n])) for n in range(MOST_PHOTOS + 1)], TooLargeError),
        (sender(), [Photo(SMALL), Photo(b"a letter")], UnreadableImageError),
        (sender(), [Photo(SMALL), Photo(b"")], UnreadableImageError),
        (sender(specialty="feet"), [Photo(SMALL)], UnknownSpecialtyError),
    ],
    ids=["too large together", "too many", "one is a letter", "one is empty", "no such specialty"],
)
def test_what_cannot_be_taken_leaves_nothing_behind(
    asked: Sender, photos: list[Photo], error: type[Exception]
) -> None:
    world = World()
    with pytest.raises(error):
        world.uploads.analyse(asked, photos)
    assert world.records() == []
    assert world.originals.objects == {}
