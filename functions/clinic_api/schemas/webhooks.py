"""Webhooks over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triagelens.domain.webhooks import LONGEST_URL, Attempt, DisabledReason, Outcome, Webhook, WebhookEvent
from triagelens.services.ports import Page

URL_EXAMPLE = "https://hooks.clinic.example.org/triagelens"
SECRET_EXAMPLE = "whsec_Zm9yIHRoZSBkb2N1bWVudGF0aW9uIG9ubHk"  # noqa: S105  # shown in the document, good for nothing

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where events are POSTed to: https, on port 443, with a public name",
        examples=[URL_EXAMPLE],
    ),
]
Events = Annotated[
    list[WebhookEvent],
    Field(
        min_length=1,
        max_length=50,
        description="What it is told of",
        examples=[["image.analyzed", "case.confirmed"]],
    ),
]


class WebhookRequest(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: Url
    events: Events


class WebhookChangeRequest(BaseModel):
    """What to change; the rest stays."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: Url | None = Field(default=None, examples=[URL_EXAMPLE])
    events: Events | None = Field(default=None, examples=[["image.analyzed"]])
    enabled: bool | None = Field(
        default=None, description="Whether it is told anything; true begins to count anew", examples=[True]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes:
            raise ValueError("say what to change")
        return self

    @property
    def changes(self) -> Mapping[str, Any]:
        return self.model_dump(exclude_none=True)


class WebhookResponse(BaseModel):
    """A webhook. Its secret is not shown again."""

    webhook_id: str
    url: str = Field(examples=[URL_EXAMPLE])
    events: list[WebhookEvent] = Field(examples=[["image.analyzed", "case.confirmed"]])
    enabled: bool = Field(examples=[True])
    disabled_reason: DisabledReason | None = Field(
        default=None,
        description="Three deliveries given up in a row, a 410, or an admin",
    )
    disabled_at: datetime | None = None
    given_up_in_a_row: int = Field(description="Given up since the last one that came", examples=[0])
    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        return cls(**_shown(webhook))


class WebhookSecretResponse(WebhookResponse):
    """A webhook with its new secret, which is shown this once."""

    secret: str = Field(
        description="Checks signatures; keep it, it is not shown again", examples=[SECRET_EXAMPLE], repr=False
    )

    @classmethod
    def with_secret(cls, webhook: Webhook, secret: str) -> Self:
        return cls(**_shown(webhook), secret=secret)


class WebhookList(BaseModel):
    """All webhooks, oldest first."""

    items: list[WebhookResponse]

    @classmethod
    def of(cls, webhooks: Sequence[Webhook]) -> Self:
        return cls(items=[WebhookResponse.of(webhook) for webhook in webhooks])


class WebhookDeliveryResponse(BaseModel):
    """What became of an event's last attempt."""

    event_id: str = Field(examples=["01JD3M4Z8YV5Q2W7K9X0ABCDEF:4"])
    event_type: str = Field(examples=["image.analyzed"])
    event_at: datetime
    attempt: int = Field(description="Which one it was, of eight at most", examples=[1])
    at: datetime
    outcome: Outcome
    status: int | None = Field(
        default=None, description="HTTP status of the answer; null if none came", examples=[200]
    )
    problem: str | None = Field(
        default=None,
        description=(
            "Why no answer came: `address_refused`, `name_not_found`, `unreachable`, `tls`, `timeout`, "
            "`answer_too_large` or `bad_answer`"
        ),
        examples=[None],
    )
    next_attempt_at: datetime | None = None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        return cls.model_validate(attempt.model_dump(exclude={"webhook_id"}))


class WebhookDeliveryList(BaseModel):
    """One page of deliveries, the newest event first. Ask again with `cursor` until it is null."""

    items: list[WebhookDeliveryResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Attempt]) -> Self:
        return cls(items=[WebhookDeliveryResponse.of(one) for one in page.items], cursor=page.cursor)


def _shown(webhook: Webhook) -> dict[str, Any]:
    shown = webhook.model_dump(exclude={"sealed_secret", "given_up", "version"})
    return {**shown, "enabled": webhook.enabled, "given_up_in_a_row": len(webhook.given_up)}
