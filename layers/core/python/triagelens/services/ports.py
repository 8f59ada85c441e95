"""What the use cases need from the outside. `adapters` implement these on AWS, tests with fakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from triagelens.domain.images import ImageRecord, UploadDeclaration
from triagelens.domain.messages import Event, InferenceRequest
from triagelens.domain.people import Person, Role
from triagelens.domain.prediction import Prediction

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, newest first; `cursor` is opaque and None on the last page."""

    items: Sequence[T]
    cursor: str | None


@dataclass(frozen=True)
class UploadForm:
    """A presigned POST: send `fields` and then `file` as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str]


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The present moment, in UTC."""


class Casework(Protocol):
    """Image records."""

    def image(self, image_id: str) -> ImageRecord:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def images_of(self, owner: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        """An owner's images, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def replace_image(self, record: ImageRecord) -> ImageRecord:
        """Writes `record` over the version it was read at.

        Raises:
            TransitionError: the stored record has changed since.
        """

    def add_image(self, record: ImageRecord, idempotency: "IdempotencyKey | None") -> ImageRecord:
        """Writes a new record together with its idempotency key, or gives the record of that key.

        Raises:
            IdempotencyMismatchError: the key belongs to another request.
        """

    def add_result(self, record: ImageRecord) -> ImageRecord:
        """Writes an analysed record and its result in one transaction.

        Raises:
            TransitionError: the stored record has changed since.
        """


class Results(Protocol):
    """Findings as they were made, with the evidence that an image's own record goes without."""

    def result(self, image_id: str, object_version: str) -> Prediction:
        """Raises NotFoundError if that version of the image has no finding."""


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's key for one request. `fingerprint` is a digest of what was asked."""

    owner: str
    key: str
    fingerprint: str
    expires_at: datetime


class Originals(Protocol):
    """The uploads bucket."""

    def form(self, key: str, declaration: UploadDeclaration, lifetime: timedelta) -> UploadForm:
        """A presigned POST for exactly that key, size, type and (if declared) checksum."""

    def write(self, key: str, declaration: UploadDeclaration, data: bytes) -> None:
        """Stores a photo that came another way than by a form. S3 refuses bytes with another checksum."""

    def read(self, key: str, object_version: str) -> bytes:
        """The bytes of that version.

        Raises:
            NotFoundError: it is gone.
        """


class WorkingImages(Protocol):
    """The images bucket."""

    def write(self, key: str, data: bytes) -> None: ...

    def read(self, key: str) -> bytes:
        """Raises NotFoundError if it is gone."""

    def delete(self, key: str) -> None: ...

    def erase(self, key: str) -> None:
        """Deletes every version of it."""

    def url(self, key: str, lifetime: timedelta) -> str:
        """A presigned GET."""


class InferenceQueue(Protocol):
    def send(self, request: InferenceRequest) -> None: ...


MOST_EVENTS = 10


class EventBus(Protocol):
    def publish(self, events: Sequence[Event]) -> Sequence[str]:
        """Publishes up to `MOST_EVENTS` events; gives the ids of those that the bus refused this time."""


class People(Protocol):
    """Persons' records."""

    def person(self, sub: str) -> Person:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def add_person(self, person: Person) -> Person:
        """Writes the record unless one exists; gives the stored one."""

    def replace_person(self, person: Person) -> Person:
        """Writes `person` over the version it was read at.

        Raises:
            ConflictError: the stored record has changed since.
        """

    def change_person(self, person: Person, admin: Person) -> Person:
        """As `replace_person`, on condition that `admin` is still as they were read: an acting admin.

        So two admins cannot take each other's role away at the same moment, and one always remains.

        Raises:
            ConflictError: one of the two records has changed since.
        """

    def remove_person(self, person: Person, admin: Person) -> None:
        """Deletes the record, on the same condition.

        Raises:
            ConflictError: one of the two records has changed since.
        """

    def people(self, role: Role, limit: int, cursor: str | None) -> Page[Person]:
        """The people of a role, by username.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """


class WaitingRoom(Protocol):
    """A bounded number of places for requests that wait."""

    def enter(self, lifetime: timedelta) -> str | None:
        """A place, held until `leave` or for `lifetime`; None if all are taken."""

    def leave(self, place: str) -> None: ...
