"""What telling webhooks needs from the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.webhooks import Attempt, Order, Webhook
from triagelens.services.ports import Page


class WebhookRecords(Protocol):
    """All webhooks of a deployment; there are few."""

    def webhooks(self) -> Sequence[Webhook]:
        """All of them, oldest first; read consistently."""

    def webhook(self, webhook_id: str) -> Webhook:
        """One of them, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def write(self, webhook: Webhook) -> Webhook:
        """Writes a new one, or over the version it was read at.

        Raises:
            ConflictError: it has changed since, or is gone.
        """

    def remove(self, webhook: Webhook) -> None:
        """Takes it away, whatever has changed since it was read."""


class SecretVault(Protocol):
    """Encrypts secrets. The API may only seal, who delivers may only open."""

    def seal(self, webhook_id: str, secret: str) -> str: ...

    def open(self, webhook_id: str, sealed: str) -> str: ...


class AttemptLog(Protocol):
    """The last attempt of each delivery, for a month."""

    def note(self, attempt: Attempt) -> None: ...

    def of(self, webhook_id: str, limit: int, cursor: str | None) -> Page[Attempt]:
        """A webhook's, the newest event first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """


class OrderQueue(Protocol):
    def send(self, orders: Sequence[Order]) -> None:
        """Raises UnavailableError if not all of them were taken; some may have been."""


@dataclass(frozen=True)
class Reply:
    """What came of a request: a status, or the code of what was in its way."""

    status: int | None = None
    problem: str | None = None


class Sender(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Sends a request to a public address, and follows no redirect. What is out there raises nothing."""
