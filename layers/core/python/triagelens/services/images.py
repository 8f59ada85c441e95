"""Read images, wait for them, and take failed ones up again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.ids import is_id
from triagelens.domain.images import FINAL, ImageRecord, ImageStatus
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.people import Person
from triagelens.services.ports import Casework, Clock, InferenceQueue, Page, WaitingRoom, WorkingImages

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 0.5
PAUSE_GROWTH = 1.5
LONGEST_WAIT_S = 20  # the gateway gives up after 29 s, cold start included
URL_LIFETIME = timedelta(minutes=5)
# A place in the waiting room outlives the longest wait a little, in case its holder dies.
LEASE_MARGIN = timedelta(seconds=10)


class Stopwatch(Protocol):
    """Time that only goes forward, and how to spend it."""

    def now(self) -> float:
        """Seconds since some moment."""

    def pause(self, seconds: float) -> None:
        """Comes back after about that long."""


@dataclass(frozen=True)
class SignedUrl:
    """Where an image can be fetched, and for how long."""

    url: str
    lifetime: timedelta


class Images:
    """Image records as their owners, doctors and admins see them."""

    def __init__(self, casework: Casework, clock: Clock, queue_retention: timedelta) -> None:
        self._casework = casework
        self._clock = clock
        self._queue_retention = queue_retention

    def visible_to(self, person: Person, image_id: str) -> ImageRecord:
        """The record, if `person` may see it.

        Raises:
            NotFoundError: in the same words whether there is none or it is somebody else's.
        """
        missing = NotFoundError("There is no such image.")
        if not is_id(image_id):
            raise missing
        try:
            record = self._casework.image(image_id)
        except NotFoundError:
            raise missing from None
        if not record.is_visible_to(person):
            raise missing
        return self.as_read(record)

    def of(self, person: Person, limit: int, cursor: str | None) -> Page[ImageRecord]:
        """The person's own images, newest first."""
        page = self._casework.images_of(person.sub, limit, cursor)
        return Page(items=[self.as_read(record) for record in page.items], cursor=page.cursor)

    def as_read(self, record: ImageRecord) -> ImageRecord:
        """The record as shown: an upload that can no longer come is `expired`.

        The status is derived, not written, so that a late notification still finds `awaiting_upload`.
        """
        if record.status is not ImageStatus.AWAITING_UPLOAD:
            return record
        if self._clock() <= record.upload_expires_at + self._queue_retention:
            return record
        return record.model_copy(update={"status": ImageStatus.EXPIRED})


@dataclass(frozen=True)
class Waited:
    """A record after a wait of at most `seconds`; None where there was no place to wait."""

    record: ImageRecord
    seconds: int | None


class Waiting:
    """Long polls, bounded in length and number."""

    def __init__(self, casework: Casework, images: Images, room: WaitingRoom, stopwatch: Stopwatch) -> None:
        self._casework = casework
        self._images = images
        self._room = room
        self._stopwatch = stopwatch

    def until_final(self, record: ImageRecord, seconds: int) -> Waited:
        """The record as soon as it is final, or as it stands after `seconds`, or at once if too many wait."""
        (waited,) = self.until_all_final([record], seconds)
        return waited

    def until_all_final(self, records: Sequence[ImageRecord], seconds: int) -> list[Waited]:
        """As `until_final` of each record, but `seconds` are for all of them, and so is the place to wait."""
        seconds = min(seconds, LONGEST_WAIT_S)
        if all(is_settled(record) for record in records) or seconds <= 0:
            return [Waited(record, seconds) for record in records]
        place = self._room.enter(timedelta(seconds=seconds) + LEASE_MARGIN)
        if place is None:
            return [Waited(record, None) for record in records]
        try:
            return [Waited(record, seconds) for record in self._poll(records, seconds)]
        finally:
            self._room.leave(place)

    def _poll(self, records: Sequence[ImageRecord], seconds: int) -> Sequence[ImageRecord]:
        end = self._stopwatch.now() + seconds
        pause = FIRST_PAUSE_S
        while not all(map(is_settled, records)) and (left := end - self._stopwatch.now()) > 0:
            self._stopwatch.pause(min(pause, left))
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_S)
            records = [record if is_settled(record) else self._fresh(record) for record in records]
        return records

    def _fresh(self, record: ImageRecord) -> ImageRecord:
        return self._images.as_read(self._casework.image(record.image_id))


def is_settled(record: ImageRecord) -> bool:
    """Whether waiting for this record is pointless."""
    return record.status in FINAL or record.status is ImageStatus.EXPIRED


def working_image_url(record: ImageRecord, working: WorkingImages) -> SignedUrl:
    """A presigned GET for the working image.

    Raises:
        ConflictError: there is none, not yet or not any more.
    """
    if record.working_image is None:
        raise ConflictError(f"This image has no working image: it is {record.status}.")
    url = working.url(record.working_image.key, URL_LIFETIME)
    return SignedUrl(url, URL_LIFETIME)


def retry(record: ImageRecord, casework: Casework, queue: InferenceQueue, clock: Clock) -> ImageRecord:
    """Takes a failed analysis up again, as a new attempt.

    The record is written before the message is sent. Should the process die in between, the record is
    `accepted` without a message: calling again sends it, so that is allowed too.

    Raises:
        ConflictError: it has not failed, or failed before there was a working image.
        TransitionError: somebody else changed it at the same time.
    """
    if record.status is ImageStatus.FAILED and record.working_image is None:
        raise ConflictError("The photo itself was not usable. It has to be uploaded anew.")
    if record.status is ImageStatus.FAILED:
        again = record.move(ImageStatus.ACCEPTED, clock(), attempt=record.attempt + 1)
        record = casework.replace_image(again)
    if record.status is not ImageStatus.ACCEPTED or record.object_version is None:
        raise ConflictError(f"Only a failed analysis can be taken up again; this image is {record.status}.")
    queue.send(
        InferenceRequest(
            image_id=record.image_id,
            object_version=record.object_version,
            attempt=record.attempt,
            correlation_id=record.correlation_id,
        )
    )
    return record
