"""What the API answers about webhooks."""

from datetime import datetime

from pydantic import Field

from triagelens_client.models import Answer


class Webhook(Answer):
    """An address that is told what happened.

    Attributes:
        disabled_reason: `by_admin`, `given_up` (three deliveries in a row) or `gone` (it answered 410).
    """

    webhook_id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None = None
    disabled_at: datetime | None = None
    given_up_in_a_row: int = 0
    created_by: str
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook and its new secret, which is shown this once."""

    secret: str = Field(repr=False)


class WebhookList(Answer):
    items: tuple[Webhook, ...]


class WebhookDelivery(Answer):
    """What became of the last attempt to tell a webhook of an event.

    Attributes:
        outcome: `delivered`, `retrying`, `given_up` or `gone`.
        status: HTTP status of the answer, if one came.
        problem: why none came, as a code.
    """

    event_id: str
    event_type: str
    event_at: datetime
    attempt: int
    at: datetime
    outcome: str
    status: int | None = None
    problem: str | None = None
    next_attempt_at: datetime | None = None
