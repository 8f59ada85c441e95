"""An upload begins with a record and a form."""

from datetime import timedelta

import pytest

from tests.fakes import START, FakeCasework, FakeClock, FakeOriginals
from triagelens.domain.errors import (
    IdempotencyMismatchError,
    TooLargeError,
    TransitionError,
    UnknownSpecialtyError,
)
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.services.uploads import BegunUpload, UploadRules, Uploads

TEN_MINUTES = timedelta(minutes=10)
PHOTO = UploadDeclaration(content_type="image/jpeg", size_bytes=1000)


class World:
    def __init__(self, casework: FakeCasework | None = None) -> None:
        self.clock = FakeClock()
        self.casework = casework or FakeCasework()
        rules = UploadRules(form_lifetime=TEN_MINUTES, max_bytes=5000)
        self.uploads = Uploads(self.casework, FakeOriginals(), self.clock, rules)

    def begin(
        self, declaration: UploadDeclaration = PHOTO, key: str | None = None, owner: str = "sub-ada"
    ) -> BegunUpload:
        return self.uploads.begin(owner, "skin", declaration, "correlation-1", key)


def test_a_new_upload_has_a_record_that_awaits_it_and_a_form_for_its_key() -> None:
    world = World()
    begun = world.begin()
    stored = world.casework.image(begun.record.image_id)
    assert stored.status is ImageStatus.AWAITING_UPLOAD
    assert stored.owner == "sub-ada"
    assert stored.correlation_id == "correlation-1"
    assert stored.upload_expires_at == START + TEN_MINUTES
    assert begun.form is not None
    assert begun.form.fields["key"] == f"uploads/{begun.record.image_id}"
    assert not begun.replayed


def test_without_a_key_every_request_makes_an_image() -> None:
    world = World()
    assert world.begin().record.image_id != world.begin().record.image_id


def test_a_repeated_key_gives_the_same_image_with_a_fresh_form() -> None:
    world = World()
    first = world.begin(key="k")
    world.clock.advance(minutes=8)
    second = world.begin(key="k")
    assert second.record.image_id == first.record.image_id
    assert second.replayed
    assert second.form is not None
    assert second.record.upload_expires_at == START + timedelta(minutes=18)
    assert len(world.casework.records) == 1


def test_a_repeated_key_of_another_person_is_another_key() -> None:
    world = World()
    assert world.begin(key="k").record.image_id != world.begin(key="k", owner="sub-eve").record.image_id


def test_a_key_with_another_request_is_refused() -> None:
    world = World()
    world.begin(key="k")
    with pytest.raises(IdempotencyMismatchError):
        world.begin(PHOTO.model_copy(update={"size_bytes": 1001}), key="k")


def test_a_repeated_key_gives_no_form_once_the_photo_was_processed() -> None:
    world = World()
    record = world.begin(key="k").record
    world.casework.replace_image(record.move(ImageStatus.ACCEPTED, world.clock()))
    again = world.begin(key="k")
    assert again.form is None
    assert again.record.status is ImageStatus.ACCEPTED


def test_a_photo_processed_while_the_form_is_renewed_gives_no_form() -> None:
    class Overtaken(FakeCasework):
        """Somebody always writes between our read and our write."""

        def replace_image(self, record: ImageRecord) -> ImageRecord:
            if record.version is None:
                return super().replace_image(record)
            stored = self.records[record.image_id]
            if stored.status is ImageStatus.AWAITING_UPLOAD:
                super().replace_image(stored.move(ImageStatus.REJECTED, START))
            raise TransitionError("changed")

    world = World(Overtaken())
    world.begin(key="k")
    again = world.begin(key="k")
    assert again.form is None
    assert again.record.status is ImageStatus.REJECTED


def test_more_bytes_than_allowed_are_refused_before_anything_is_written() -> None:
    world = World()
    with pytest.raises(TooLargeError):
        world.begin(PHOTO.model_copy(update={"size_bytes": 5001}))
    assert not world.casework.records


def test_an_unknown_specialty_is_refused() -> None:
    world = World()
    with pytest.raises(UnknownSpecialtyError):
        world.uploads.begin("sub-ada", "feet", PHOTO, "c")
