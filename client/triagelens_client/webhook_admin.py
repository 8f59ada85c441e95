"""Webhooks, for admins. Receivers look at `triagelens_client.webhooks`."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, all_of
from triagelens_client.tokens import TokenProvider
from triagelens_client.webhook_models import Webhook, WebhookDelivery, WebhookList, WebhookWithSecret


class Webhooks:
    """Webhooks. Made by `Triagelens`, as its `webhooks`; each method needs the role admin."""

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def create(self, url: str, events: Sequence[str]) -> WebhookWithSecret:
        """A new webhook. Its secret is shown this once."""
        return read_answer(WebhookWithSecret, self._send("POST", body={"url": url, "events": list(events)}))

    def all(self) -> tuple[Webhook, ...]:
        """All of them, oldest first."""
        return read_answer(WebhookList, self._send("GET")).items

    def get(self, webhook_id: str) -> Webhook:
        return read_answer(Webhook, self._send("GET", f"/{segment(webhook_id)}"))

    def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Changes what is given; enabling begins to count anew."""
        asked = {"url": url, "events": None if events is None else list(events), "enabled": enabled}
        body = {name: value for name, value in asked.items() if value is not None}
        return read_answer(Webhook, self._send("PATCH", f"/{segment(webhook_id)}", body=body))

    def rotate(self, webhook_id: str) -> WebhookWithSecret:
        """A new secret. The former one signs nothing from then on."""
        return read_answer(WebhookWithSecret, self._send("POST", f"/{segment(webhook_id)}/rotate"))

    def delete(self, webhook_id: str) -> None:
        self._send("DELETE", f"/{segment(webhook_id)}")

    def deliveries(self, webhook_id: str) -> Iterator[WebhookDelivery]:
        """What it was told in the last 30 days, the newest event first."""
        path = f"/{segment(webhook_id)}/deliveries"

        def page(cursor: str | None) -> Page[WebhookDelivery]:
            return read_answer(Page[WebhookDelivery], self._send("GET", path, query={"cursor": cursor}))

        return all_of(page)

    def _send(self, method: str, path: str = "", **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/webhooks{path}", tokens=self._tokens, **request)
