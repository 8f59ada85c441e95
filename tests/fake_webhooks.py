"""Webhooks in memory, with the same promises as the table; secrets sealed by a mark in front of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes import page_of
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.webhooks import Attempt, Order, Webhook
from triagelens.services.ports import Page
from triagelens.services.webhook_ports import Reply


@dataclass
class FakeWebhooks:
    records: dict[str, Webhook] = field(default_factory=dict)

    def webhooks(self) -> Sequence[Webhook]:
        return [self.records[name] for name in sorted(self.records)]

    def webhook(self, webhook_id: str) -> Webhook:
        if webhook_id not in self.records:
            raise NotFoundError("There is no such webhook.")
        return self.records[webhook_id]

    def write(self, webhook: Webhook) -> Webhook:
        stored = self.records.get(webhook.webhook_id)
        if (stored.version if stored else None) != webhook.version:
            raise ConflictError("The webhook has changed since it was read; try again.")
        written = webhook.model_copy(update={"version": (webhook.version or 0) + 1})
        self.records[webhook.webhook_id] = written
        return written

    def remove(self, webhook: Webhook) -> None:
        self.records.pop(webhook.webhook_id, None)


@dataclass
class FakeVault:
    def seal(self, webhook_id: str, secret: str) -> str:
        return f"sealed:{webhook_id}:{secret}"

    def open(self, webhook_id: str, sealed: str) -> str:
        assert sealed.startswith(f"sealed:{webhook_id}:")
        return sealed.removeprefix(f"sealed:{webhook_id}:")


@dataclass
class FakeAttemptLog:
    noted: dict[tuple[str, str], Attempt] = field(default_factory=dict)

    def note(self, attempt: Attempt) -> None:
        self.noted[attempt.webhook_id, attempt.event_id] = attempt

    def of(self, webhook_id: str, limit: int, cursor: str | None) -> Page[Attempt]:
        own = [attempt for (owner, _), attempt in self.noted.items() if owner == webhook_id]
        return page_of(sorted(own, key=lambda a: a.event_id, reverse=True), limit, cursor, "event_id")


@dataclass
class FakeOrderQueue:
    sent: list[Order] = field(default_factory=list)

    def send(self, orders: Sequence[Order]) -> None:
        self.sent.extend(orders)


@dataclass
class FakeSender:
    """Answers with `reply`; `on_post` lets something happen meanwhile."""

    reply: Reply = field(default_factory=lambda: Reply(status=200))
    on_post: Callable[[], None] = lambda: None
    posted: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.posted.append((url, headers, body))
        self.on_post()
        return self.reply
