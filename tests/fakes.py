"""Every port in memory, with the same promises as the adapters, and time that tests move themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from triagelens.domain.audit import AuditEntry
from triagelens.domain.errors import (
    ChallengeError,
    ConfirmationError,
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    PasswordRefusedError,
    SignInError,
    TransitionError,
    UnauthenticatedError,
)
from triagelens.domain.images import ImageRecord, UploadDeclaration
from triagelens.domain.messages import Event, InferenceRequest
from triagelens.domain.people import Person, Role
from triagelens.domain.prediction import Prediction
from triagelens.services.identity_ports import Account, Claims, Tokens
from triagelens.services.ports import IdempotencyKey, Page, UploadForm

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
RIGHT_CODE = "123456"
T = TypeVar("T")


@dataclass
class FakeClock:
    """Stands still until a test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FakeStopwatch:
    """Pauses take no time, but are counted; `on_pause` lets something happen meanwhile."""

    on_pause: Callable[[], None] = lambda: None
    pauses: list[float] = field(default_factory=list)

    def now(self) -> float:
        return sum(self.pauses)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.on_pause()


@dataclass
class FakeCasework:
    """Image records with optimistic locking."""

    records: dict[str, ImageRecord] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def image(self, image_id: str) -> ImageRecord:
        if image_id not in self.records:
            raise NotFoundError(f"There is no image {image_id}.")
        return self.records[image_id]

    def images_of(self, owner: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        own = [record for record in self.records.values() if record.owner == owner]
        return page_of(sorted(own, key=lambda r: r.image_id, reverse=True), limit, cursor, "image_id")

    def replace_image(self, record: ImageRecord) -> ImageRecord:
        stored = self.records.get(record.image_id)
        if (stored.version if stored else None) != record.version:
            raise TransitionError(f"Image {record.image_id} has changed since it was read.")
        written = record.model_copy(update={"version": (record.version or 0) + 1})
        self.records[record.image_id] = written
        return written

    def add_image(self, record: ImageRecord, idempotency: IdempotencyKey | None) -> ImageRecord:
        if idempotency is not None:
            name = (idempotency.owner, idempotency.key)
            fingerprint, image_id = self.keys.setdefault(name, (idempotency.fingerprint, record.image_id))
            if fingerprint != idempotency.fingerprint:
                raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
            if image_id != record.image_id:
                return self.image(image_id)
        return self.replace_image(record)

    def result(self, image_id: str, object_version: str) -> Prediction:
        record = self.image(image_id)
        if record.prediction is None or record.object_version != object_version:
            raise NotFoundError("This version of the image has no finding.")
        return record.prediction

    def add_result(self, record: ImageRecord) -> ImageRecord:
        return self.replace_image(record)


@dataclass
class FakeOriginals:
    """The uploads bucket: bytes by key and version."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def form(self, key: str, declaration: UploadDeclaration, lifetime: timedelta) -> UploadForm:
        return UploadForm("https://uploads.example/", {"key": key, "Content-Type": declaration.content_type})

    def write(self, key: str, declaration: UploadDeclaration, data: bytes) -> None:
        self.objects[key, f"v{len(self.objects) + 1}"] = data

    def read(self, key: str, object_version: str) -> bytes:
        return stored_in(self.objects, (key, object_version))


@dataclass
class FakeWorkingImages:
    """The images bucket."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def write(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def read(self, key: str) -> bytes:
        return stored_in(self.objects, key)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def erase(self, key: str) -> None:
        self.delete(key)

    def url(self, key: str, lifetime: timedelta) -> str:
        return f"https://images.example/{key}?expires={lifetime.total_seconds():.0f}"


@dataclass
class FakeInferenceQueue:
    sent: list[InferenceRequest] = field(default_factory=list)

    def send(self, request: InferenceRequest) -> None:
        self.sent.append(request)


@dataclass
class FakeEventBus:
    """Takes everything but the ids in `refuses`."""

    published: list[Event] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    def publish(self, events: Sequence[Event]) -> Sequence[str]:
        self.published.extend(event for event in events if event.event_id not in self.refuses)
        return [event.event_id for event in events if event.event_id in self.refuses]


@dataclass
class FakePeople:
    records: dict[str, Person] = field(default_factory=dict)

    def person(self, sub: str) -> Person:
        return stored_in(self.records, sub)

    def add_person(self, person: Person) -> Person:
        return self.records.setdefault(person.sub, person.model_copy(update={"version": 1}))

    def replace_person(self, person: Person) -> Person:
        if person.version is None or self.records[person.sub].version != person.version:
            raise ConflictError("The person's record has changed since it was read.")
        self.records[person.sub] = person.model_copy(update={"version": person.version + 1})
        return self.records[person.sub]

    def change_person(self, person: Person, admin: Person) -> Person:
        self._witness(admin)
        return self.replace_person(person)

    def remove_person(self, person: Person, admin: Person) -> None:
        self._witness(admin)
        if self.records[person.sub].version != person.version:
            raise ConflictError("The person's record has changed since it was read.")
        del self.records[person.sub]

    def _witness(self, admin: Person) -> None:
        if admin.sub not in self.records or self.records[admin.sub].version != admin.version:
            raise ConflictError("Your own record has changed since it was read.")

    def people(self, role: Role, limit: int, cursor: str | None) -> Page[Person]:
        found = sorted((p for p in self.records.values() if p.role is role), key=lambda p: p.username)
        return page_of(found, limit, cursor, "sub")


@dataclass
class FakeWaitingRoom:
    places: int = 2
    taken: set[str] = field(default_factory=set)

    def enter(self, lifetime: timedelta) -> str | None:
        free = next((str(n) for n in range(self.places) if str(n) not in self.taken), None)
        if free is not None:
            self.taken.add(free)
        return free

    def leave(self, place: str) -> None:
        self.taken.discard(place)


@dataclass
class FakeAuditTrail:
    entries: list[AuditEntry] = field(default_factory=list)

    def append(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


@dataclass
class FakeIdentity:
    """Accounts by name. `challenges` says what an account needs beyond its password."""

    accounts: dict[str, Account] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    challenges: dict[str, str] = field(default_factory=dict)
    signed_out: list[str] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)

    def sign_up(self, username: str, password: str, email: str | None, name: str | None) -> Account | None:
        if len(password) < 8:
            raise PasswordRefusedError("The password does not keep the rules.")
        if username in self.accounts:
            return None
        self.passwords[username] = password
        self.accounts[username] = Account(f"sub-{username}", username, email, name)
        return self.accounts[username]

    def account(self, username: str) -> Account | None:
        return self.accounts.get(username)

    def confirm(self, username: str, code: str) -> None:
        if code != RIGHT_CODE or username not in self.accounts:
            raise ConfirmationError("That code is not right, or no longer valid.")
        self.confirmed.add(username)

    def sign_in(self, username: str, password: str, code: str | None, new_password: str | None) -> Tokens:
        if self.passwords.get(username) != password or username not in self.confirmed:
            raise SignInError("The username or password is not right.")
        challenge = self.challenges.get(username)
        given = {"SOFTWARE_TOKEN_MFA": code, "NEW_PASSWORD_REQUIRED": new_password}
        if challenge is not None and given.get(challenge) is None:
            raise ChallengeError(challenge, "More is needed.")
        if challenge == "SOFTWARE_TOKEN_MFA" and code != RIGHT_CODE:
            raise SignInError("The username or password is not right.")
        shown = challenge == "SOFTWARE_TOKEN_MFA"
        sub = self.accounts[username].sub
        return Tokens(sub, 3600, refresh_token=f"refresh-{username}", second_factor=shown)

    def refresh(self, refresh_token: str) -> Tokens:
        username = refresh_token.removeprefix("refresh-")
        if username not in self.confirmed or username in self.signed_out:
            raise SignInError("The refresh token is not valid any more.")
        return Tokens(self.accounts[username].sub, 3600)

    def resend(self, username: str) -> None:
        if username in self.accounts and username not in self.confirmed:
            self.resent.append(username)

    def sign_out(self, username: str) -> None:
        self.signed_out.append(username)


@dataclass
class FakeTokens:
    """An access token is the `sub` of its bearer, and as old as the clock says."""

    clock: FakeClock
    refused: set[str] = field(default_factory=set)

    def verify(self, token: str) -> Claims:
        if token in self.refused or not token.startswith("sub-"):
            raise UnauthenticatedError("The access token is not valid.")
        return Claims(token, self.clock().replace(microsecond=0))


K = TypeVar("K")


def stored_in(found_in: dict[K, T], key: K) -> T:
    """What lies there, or NotFoundError."""
    if key not in found_in:
        raise NotFoundError("There is no such thing.")
    return found_in[key]


def page_of(found: Sequence[T], limit: int, cursor: str | None, key: str) -> Page[T]:
    """One page of a sorted list; the cursor is the last item's `key`."""
    names = [str(getattr(item, key)) for item in found]
    if cursor is not None and cursor not in names:
        raise InvalidRequestError("The cursor is not one that this list gave out.")
    start = 0 if cursor is None else names.index(cursor) + 1
    items = found[start : start + limit]
    more = start + limit < len(found)
    return Page(items, names[start + limit - 1] if more else None)
