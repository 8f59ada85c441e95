"""Who sees an image, waiting for it, and taking it up again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes import (
    START,
    FakeCasework,
    FakeClock,
    FakeInferenceQueue,
    FakeStopwatch,
    FakeWaitingRoom,
    FakeWorkingImages,
)
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.people import Person, Role
from triagelens.services.images import Images, Waiting, retry, working_image_url

RETENTION = timedelta(days=4)
STUCK = Failure(code="processing_error", message="No.", retryable=True)


def person(name: str, role: Role = Role.PATIENT) -> Person:
    return Person(sub=f"sub-{name}", username=name, role=role, created_at=START)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.casework = FakeCasework()
        self.queue = FakeInferenceQueue()
        self.room = FakeWaitingRoom(places=1)
        self.images = Images(self.casework, self.clock, RETENTION)

    def add(self, status: ImageStatus = ImageStatus.AWAITING_UPLOAD, **changes: object) -> ImageRecord:
        record = ImageRecord(
            image_id=new_id(),
            owner="sub-ada",
            specialty="skin",
            status=status,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=10),
            upload_expires_at=START + timedelta(minutes=10),
            created_at=START,
            updated_at=START,
            correlation_id="c",
        )
        return self.casework.add_image(record.model_copy(update=changes), None)

    def failed(self, **changes: object) -> ImageRecord:
        working = WorkingImage(key="working/x", width=10, height=10)
        facts: dict[str, object] = {"working_image": working, "object_version": "v1", "failure": STUCK}
        return self.add(ImageStatus.FAILED, **{**facts, **changes})

    def wait(
        self, record: ImageRecord, seconds: int, on_pause: Callable[[], None] = lambda: None
    ) -> tuple[ImageRecord, int | None, list[float]]:
        stopwatch = FakeStopwatch(on_pause)
        waited = Waiting(self.casework, self.images, self.room, stopwatch).until_final(record, seconds)
        return waited.record, waited.seconds, stopwatch.pauses


def test_an_owner_sees_their_image() -> None:
    world = World()
    record = world.add()
    assert world.images.visible_to(person("ada"), record.image_id) == record


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.ADMIN])
def test_a_doctor_and_an_admin_see_every_image(role: Role) -> None:
    world = World()
    assert world.images.visible_to(person("eve", role), world.add().image_id)


@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.RESEARCHER])
def test_a_stranger_is_told_the_same_as_about_an_image_that_is_not_there(role: Role) -> None:
    world = World()
    stranger = person("eve", role)
    answers = set()
    for image_id in (world.add().image_id, new_id(), "not-an-id", "../etc"):
        with pytest.raises(NotFoundError) as refused:
            world.images.visible_to(stranger, image_id)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_an_upload_that_can_no_longer_come_is_shown_as_expired_and_not_written() -> None:
    world = World()
    record = world.add()
    ada = person("ada")
    world.clock.now = record.upload_expires_at + RETENTION
    assert world.images.visible_to(ada, record.image_id).status is ImageStatus.AWAITING_UPLOAD
    world.clock.advance(seconds=1)
    assert world.images.visible_to(ada, record.image_id).status is ImageStatus.EXPIRED
    assert world.images.of(ada, 10, None).items[0].status is ImageStatus.EXPIRED
    assert world.casework.image(record.image_id).status is ImageStatus.AWAITING_UPLOAD


def test_an_accepted_image_never_expires() -> None:
    world = World()
    record = world.add(ImageStatus.ACCEPTED)
    world.clock.advance(days=365)
    assert world.images.as_read(record).status is ImageStatus.ACCEPTED


def test_a_list_holds_ones_own_images_only_newest_first_page_by_page() -> None:
    world = World()
    mine = [world.add().image_id for _ in range(5)]
    world.add(owner="sub-eve")
    first = world.images.of(person("ada", Role.ADMIN), 3, None)
    second = world.images.of(person("ada", Role.ADMIN), 3, first.cursor)
    assert [r.image_id for r in [*first.items, *second.items]] == sorted(mine, reverse=True)
    assert second.cursor is None


def test_a_final_image_is_answered_at_once_without_a_place() -> None:
    world = World()
    world.room.places = 0
    record, seconds, pauses = world.wait(world.failed(), 20)
    assert (record.status, seconds, pauses) == (ImageStatus.FAILED, 20, [])


def test_a_wait_ends_as_soon_as_the_image_is_final() -> None:
    world = World()
    record = world.add()

    def finish_at_the_third_look() -> None:
        if len(looks) == 2:
            world.casework.replace_image(record.move(ImageStatus.REJECTED, START))
        looks.append(1)

    looks: list[int] = []
    answer, seconds, pauses = world.wait(record, 20, finish_at_the_third_look)
    assert answer.status is ImageStatus.REJECTED
    assert seconds == 20
    assert len(pauses) == 3
    assert world.room.taken == set()


def test_pauses_begin_short_grow_to_half_a_second_and_never_pass_the_wait() -> None:
    world = World()
    answer, _, pauses = world.wait(world.add(), 5)
    assert answer.status is ImageStatus.AWAITING_UPLOAD
    assert pauses[0] == pytest.approx(0.1)
    assert max(pauses) == pytest.approx(0.5)
    assert sum(pauses) == pytest.approx(5)


def test_nobody_waits_longer_than_twenty_seconds() -> None:
    world = World()
    _, seconds, pauses = world.wait(world.add(), 600)
    assert seconds == 20
    assert sum(pauses) == pytest.approx(20)


def test_a_full_waiting_room_answers_at_once() -> None:
    world = World()
    world.room.places = 0
    record, seconds, pauses = world.wait(world.add(), 20)
    assert (record.status, seconds, pauses) == (ImageStatus.AWAITING_UPLOAD, None, [])


def test_a_place_is_given_back_when_reading_fails() -> None:
    world = World()
    record = world.add()
    with pytest.raises(NotFoundError):
        world.wait(record, 20, lambda: world.casework.records.clear())
    assert world.room.taken == set()


def test_the_working_image_can_be_fetched_for_five_minutes() -> None:
    world = World()
    signed = working_image_url(world.failed(), FakeWorkingImages())
    assert signed.lifetime == timedelta(minutes=5)
    assert "working/x" in signed.url


def test_without_a_working_image_there_is_nothing_to_fetch() -> None:
    world = World()
    with pytest.raises(ConflictError, match="awaiting_upload"):
        working_image_url(world.add(), FakeWorkingImages())


def test_a_failed_analysis_is_taken_up_again_as_a_new_attempt() -> None:
    world = World()
    record = retry(world.failed(attempt=2), world.casework, world.queue, world.clock)
    assert (record.status, record.attempt, record.failure) == (ImageStatus.ACCEPTED, 3, None)
    assert [(sent.attempt, sent.object_version) for sent in world.queue.sent] == [(3, "v1")]


def test_a_retry_that_died_before_its_message_is_repaired_by_another() -> None:
    world = World()
    once = retry(world.failed(), world.casework, world.queue, world.clock)
    world.queue.sent.clear()
    again = retry(once, world.casework, world.queue, world.clock)
    assert again.attempt == once.attempt == 1
    assert len(world.queue.sent) == 1


def test_a_photo_that_never_became_a_working_image_has_to_be_uploaded_anew() -> None:
    world = World()
    with pytest.raises(ConflictError, match="uploaded anew"):
        retry(world.failed(working_image=None), world.casework, world.queue, world.clock)
    assert world.queue.sent == []


@pytest.mark.parametrize(
    "status", [ImageStatus.AWAITING_UPLOAD, ImageStatus.REJECTED, ImageStatus.ANALYZED, ImageStatus.EXPIRED]
)
def test_only_a_failed_analysis_is_taken_up_again(status: ImageStatus) -> None:
    world = World()
    with pytest.raises(ConflictError, match=status):
        retry(world.add(status), world.casework, world.queue, world.clock)
    assert world.queue.sent == []
