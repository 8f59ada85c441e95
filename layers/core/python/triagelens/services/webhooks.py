"""Webhooks, as admins look after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person
from triagelens.domain.webhooks import (
    MOST_WEBHOOKS,
    Attempt,
    DisabledReason,
    Webhook,
    WebhookEvent,
    checked_url,
    new_secret,
)
from triagelens.services.ports import Clock, Page
from triagelens.services.webhook_ports import AttemptLog, SecretVault, WebhookRecords


@dataclass(frozen=True)
class Webhooks:
    """Made, changed, and taken away. A secret is shown when it is made, and never again."""

    records: WebhookRecords
    vault: SecretVault
    log: AttemptLog
    clock: Clock

    def create(self, admin: Person, url: str, events: Sequence[WebhookEvent]) -> tuple[Webhook, str]:
        """A new webhook and its secret.

        Raises:
            InvalidRequestError: the address is none that could be public.
            ConflictError: there are too many already.
        """
        checked = checked_url(url)
        if len(self.records.webhooks()) >= MOST_WEBHOOKS:
            raise ConflictError(f"There are {MOST_WEBHOOKS} webhooks already; delete one first.")
        webhook_id, secret, now = new_id(), new_secret(), self.clock()
        webhook = Webhook(
            webhook_id=webhook_id,
            url=checked,
            events=tuple(sorted(set(events))),
            sealed_secret=self.vault.seal(webhook_id, secret),
            created_by=admin.sub,
            created_at=now,
            updated_at=now,
        )
        return self.records.write(webhook), secret

    def all(self) -> Sequence[Webhook]:
        return self.records.webhooks()

    def get(self, webhook_id: str) -> Webhook:
        """Raises NotFoundError if there is none."""
        return self.records.webhook(webhook_id)

    def change(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        """Changes `url`, `events`, or whether it is `enabled`; enabling begins to count anew.

        Raises:
            NotFoundError: there is none.
            InvalidRequestError: the address is none that could be public.
            ConflictError: it was changed at the same moment.
        """
        webhook, now = self.records.webhook(webhook_id), self.clock()
        updates: dict[str, Any] = {"updated_at": now}
        if "url" in changes:
            updates["url"] = checked_url(changes["url"])
        if "events" in changes:
            updates["events"] = tuple(sorted(set(changes["events"])))
        changed = webhook.model_copy(update=updates)
        if changes.get("enabled") is True:
            changed = changed.enabled_again()
        elif changes.get("enabled") is False:
            changed = changed.disabled(DisabledReason.BY_ADMIN, now)
        return self.records.write(changed)

    def rotate(self, webhook_id: str) -> tuple[Webhook, str]:
        """A new secret. The former one signs nothing from now on, attempts under way excepted.

        Raises:
            NotFoundError: there is no such webhook.
            ConflictError: it was changed at the same moment.
        """
        webhook, secret = self.records.webhook(webhook_id), new_secret()
        sealed = self.vault.seal(webhook_id, secret)
        renewed = webhook.model_copy(update={"sealed_secret": sealed, "updated_at": self.clock()})
        return self.records.write(renewed), secret

    def remove(self, webhook_id: str) -> None:
        """Takes it away; what waits for it is dropped.

        Raises:
            NotFoundError: there is none.
        """
        self.records.remove(self.records.webhook(webhook_id))

    def attempts(self, webhook_id: str, limit: int, cursor: str | None) -> Page[Attempt]:
        """What it was told, the newest event first.

        Raises:
            NotFoundError: there is no such webhook.
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        self.records.webhook(webhook_id)
        return self.log.of(webhook_id, limit, cursor)
