"""Addresses that are told what happened, and what they are told."""

import hashlib
import hmac
import json
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.messages import Event

MOST_WEBHOOKS = 50
LONGEST_URL = 500
HTTPS_PORT = 443
# How long a delivery that failed for the first, second, ... time waits for its next attempt: a day in all.
PAUSES = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1_800, 7_200, 18_000, 36_000))
ATTEMPTS = len(PAUSES) + 1
# After so many deliveries given up in a row a webhook is disabled.
MOST_GIVEN_UP = 3

SIGNATURE_HEADER = "Triagelens-Signature"
EVENT_HEADER = "Triagelens-Event-Id"
# What an event tells beyond its type: ids and where the thing stands. No finding, no text, no name.
TOLD = ("image_id", "case_id", "report_id", "image_ids", "patient_id", "status")

_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PRINTABLE = re.compile(r"[!-~]+")
_LOCAL_ENDINGS = ("localhost", "local", "internal", "lan", "home.arpa", "in-addr.arpa", "ip6.arpa")


class WebhookEvent(StrEnum):
    """What a webhook can be told of."""

    IMAGE_ACCEPTED = "image.accepted"
    IMAGE_REJECTED = "image.rejected"
    IMAGE_ANALYZED = "image.analyzed"
    IMAGE_FAILED = "image.failed"
    CASE_CREATED = "case.created"
    CASE_AMENDED = "case.amended"
    CASE_UNCERTAIN = "case.uncertain"
    CASE_CONFIRMED = "case.confirmed"
    CASE_REJECTED = "case.rejected"
    REPORT_READY = "report.ready"
    REPORT_FAILED = "report.failed"


class DisabledReason(StrEnum):
    """Why a webhook is told nothing."""

    BY_ADMIN = "by_admin"
    GIVEN_UP = "given_up"
    GONE = "gone"


class Webhook(BaseModel):
    """An address that is told of events.

    Attributes:
        sealed_secret: the secret, encrypted; base 64.
        given_up: ids of the events that were given up in a row, since the last delivery that came.
    """

    model_config = ConfigDict(frozen=True)

    webhook_id: str
    url: str = Field(repr=False)  # its path or query may hold a token of the receiver's
    events: tuple[WebhookEvent, ...]
    sealed_secret: str = Field(repr=False)
    created_by: str
    created_at: datetime
    updated_at: datetime
    disabled_reason: DisabledReason | None = None
    disabled_at: datetime | None = None
    given_up: tuple[str, ...] = ()
    version: int | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_reason is None

    def wants(self, kind: str) -> bool:
        return self.enabled and kind in self.events

    def disabled(self, reason: DisabledReason, now: datetime) -> "Webhook":
        """Disabled from now on; what it was disabled for first stays."""
        if not self.enabled:
            return self
        return self.model_copy(update={"disabled_reason": reason, "disabled_at": now})

    def enabled_again(self) -> "Webhook":
        return self.model_copy(update={"disabled_reason": None, "disabled_at": None, "given_up": ()})

    def after_giving_up(self, event_id: str, now: datetime) -> "Webhook":
        """With one more delivery given up in a row; the same event counts once."""
        if event_id in self.given_up:
            return self
        counted = self.model_copy(update={"given_up": (*self.given_up, event_id)[-MOST_GIVEN_UP:]})
        return counted.disabled(DisabledReason.GIVEN_UP, now) if counted.full else counted

    @property
    def full(self) -> bool:
        return len(self.given_up) >= MOST_GIVEN_UP


class Notice(BaseModel):
    """What a receiver is told of an event. The same event gives the same bytes at each attempt."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    type: str
    created_at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "Notice":
        data = {name: event.detail[name] for name in TOLD if event.detail.get(name) is not None}
        return cls(id=event.event_id, type=event.type, created_at=event.time, data=data)

    @property
    def body(self) -> bytes:
        """The JSON that is signed and sent."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


class Order(BaseModel):
    """Body of a message in the webhooks' queue: tell this webhook of that."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    webhook_id: str
    notice: Notice
    correlation_id: str

    @property
    def key(self) -> str:
        """The same for every copy of the event on its way to the same webhook."""
        return f"webhook:{self.webhook_id}:{self.notice.id}"


class Outcome(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    GONE = "gone"


class Attempt(BaseModel):
    """The last attempt to tell a webhook of an event.

    Attributes:
        status: HTTP status of the answer; None if there was none.
        problem: why there was no answer, as a code (`timeout`, `address_refused`, ...).
    """

    model_config = ConfigDict(frozen=True)

    webhook_id: str
    event_id: str
    event_type: str
    event_at: datetime
    attempt: int
    at: datetime
    outcome: Outcome
    status: int | None = None
    problem: str | None = None
    next_attempt_at: datetime | None = None


def new_secret() -> str:
    """A new secret with 256 random bits."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The signature header's value: HMAC-SHA256 over `timestamp.body`, in hexadecimal digits."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


def checked_url(url: str) -> str:
    """The address, if something public could be behind it. Where it leads is looked at at each send.

    Raises:
        InvalidRequestError: it is not https, has no name, names a port other than 443, or carries a
            password or a fragment.
    """
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url):
        raise InvalidRequestError(f"The address has up to {LONGEST_URL} printable ASCII characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidRequestError("The address is not a URL.") from None
    if parts.scheme != "https":
        raise InvalidRequestError("The address begins with https://.")
    if port not in (None, HTTPS_PORT):
        raise InvalidRequestError("The address is on port 443.")
    if "@" in parts.netloc or "#" in url or "\\" in url:
        raise InvalidRequestError("The address carries no user, no password and no fragment.")
    name = parts.hostname or ""
    if not _NAME.fullmatch(name) or any(f".{name}".endswith(f".{ending}") for ending in _LOCAL_ENDINGS):
        raise InvalidRequestError("The address has a public name, not a number and not a local name.")
    return url
