"""An export: what somebody asked to be written to a file, and how far that has come."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from triagelens.domain.errors import ConflictError, ForbiddenError, InvalidRequestError
from triagelens.domain.people import Action, Person
from triagelens.domain.specialties import specialty as known_specialty

EARLIEST = date(2020, 1, 1)
KEPT = timedelta(days=7)  # the bucket's rule for `exports/` says the same
# Longer than a message lives between its first delivery and the dead-letter queue.
LOST_AFTER = timedelta(days=1)
MOST_ROWS = 500_000
MOST_BYTES = 400_000_000
MOST_COCO_IMAGES = 50_000
MOST_COCO_POINTS = 1_000_000


class ExportWhat(StrEnum):
    IMAGES = "images"
    CASES = "cases"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    COCO = "coco"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]

    @property
    def ending(self) -> str:
        """Of the file's name."""
        return "coco.json" if self is ExportFormat.COCO else str(self)


_CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
    ExportFormat.COCO: "application/json",
}


class ExportStatus(StrEnum):
    """`expired` is derived when read and never stored."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN = frozenset({ExportStatus.QUEUED, ExportStatus.RUNNING})


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Wanted(_Part):
    """What is asked for.

    Attributes:
        specialty: only that one; all, if None.
        first, last: days (UTC) on which images or cases were begun; all until the day of asking, if None.
        include_people: names, and what people wrote themselves: notes, diagnoses, file names.
    """

    what: ExportWhat
    format: ExportFormat
    specialty: str | None = None
    first: date | None = None
    last: date | None = None
    include_people: bool = False

    def check(self, person: Person) -> None:
        """Makes sure that it can be made, and that the person may have it.

        Raises:
            InvalidRequestError: it does not fit together.
            ForbiddenError: it tells of people, and the person may not know of them.
        """
        if self.specialty is not None:
            known_specialty(self.specialty)
        if self.first is not None and self.last is not None and self.last < self.first:
            raise InvalidRequestError("The last day is before the first.")
        if self.format is ExportFormat.COCO:
            if self.specialty is None:
                raise InvalidRequestError("COCO needs a specialty: its labels are the categories.")
            if self.include_people:
                raise InvalidRequestError("COCO tells nothing of people; leave `include_people` out.")
        self.check_people(person)

    def check_people(self, person: Person) -> None:
        """Raises ForbiddenError if it tells of people and the person may not know of them."""
        if self.include_people and not person.may(Action.EXPORT_PEOPLE):
            raise ForbiddenError("Only admins may export names and what people wrote.")


class ExportFailure(_Part):
    """Why there is no file. A `retryable` failure is taken up again by a redrive."""

    code: str
    message: str
    retryable: bool


class ExportFile(_Part):
    """The file that was made: exactly this version of the object.

    Attributes:
        rows: images or cases that it tells of.
    """

    key: str
    object_version: str
    size_bytes: int
    rows: int


class Export(_Part):
    """One export, from the request to its file.

    Attributes:
        owner: `sub` of who asked for it.
        attempt: how often making it was begun.
        version: optimistic lock of the stored item.
    """

    export_id: str
    owner: str
    wanted: Wanted
    status: ExportStatus = ExportStatus.QUEUED
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    attempt: int = 0
    file: ExportFile | None = None
    expires_at: datetime | None = None
    failure: ExportFailure | None = None
    version: int | None = None

    @property
    def first(self) -> date:
        return self.wanted.first or EARLIEST

    @property
    def last(self) -> date:
        return self.wanted.last or self.created_at.date()

    @property
    def key(self) -> str:
        """S3 key of the file, whichever attempt makes it."""
        return f"exports/{self.export_id}/{self.filename}"

    @property
    def filename(self) -> str:
        return f"{self.wanted.what}.{self.wanted.format.ending}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.status in OPEN

    @property
    def is_settled(self) -> bool:
        """Whether a message about it has nothing left to do."""
        may_be_taken_up = self.failure is not None and self.failure.retryable
        return not self.is_open and not may_be_taken_up

    def belongs_to(self, person: Person) -> bool:
        return person.sub == self.owner or person.may(Action.SEE_ALL_EXPORTS)

    def begun(self, now: datetime) -> Self:
        """As it is while somebody makes it.

        Raises:
            ConflictError: there is nothing left to do.
        """
        if self.is_settled:
            raise ConflictError(f"An export that is {self.status} is not made again.")
        return self._moved(ExportStatus.RUNNING, now, attempt=self.attempt + 1, failure=None)

    def ready(self, file: ExportFile, now: datetime) -> Self:
        return self._moved(ExportStatus.READY, now, file=file, expires_at=now + KEPT, failure=None)

    def failed(self, failure: ExportFailure, now: datetime) -> Self:
        return self._moved(ExportStatus.FAILED, now, failure=failure)

    def as_of(self, now: datetime, *, gone: bool = False) -> Self:
        """As it is to be told at a moment: `expired` after its time or where the file is gone, `failed` if
        nobody can be working on it any more."""
        if self.status is ExportStatus.READY and (gone or self.expires_at is None or now >= self.expires_at):
            return self.model_copy(update={"status": ExportStatus.EXPIRED})
        if self.is_open and now - self.updated_at > LOST_AFTER:
            message = "The export came to a halt; ask for it again."
            lost = ExportFailure(code="lost", message=message, retryable=True)
            return self.model_copy(update={"status": ExportStatus.FAILED, "failure": lost})
        return self

    def _moved(self, to: ExportStatus, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={"status": to, "updated_at": now, **changes})


class ExportRequest(_Part):
    """Body of a message in the exports queue: make this one."""

    export_id: str
    correlation_id: str


def months_between(first: date, last: date) -> list[str]:
    """Every month that has one of these days, as `yyyymm`, the earliest first."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12}{number % 12 + 1:02}" for number in numbers]
