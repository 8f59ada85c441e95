"""Webhooks, for admins."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from clinic_api.deps.webhooks import WebhookAdmin, WebhooksCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.webhooks import (
    WebhookChangeRequest,
    WebhookDeliveryList,
    WebhookList,
    WebhookRequest,
    WebhookResponse,
    WebhookSecretResponse,
)
from clinic_api.trail import about

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="create_webhook",
    summary="Have an address told of events (admin)",
    responses=problems(400, 401, 403, 409, 503),
)
def create_webhook(
    body: WebhookRequest, admin: WebhookAdmin, webhooks: WebhooksCase
) -> WebhookSecretResponse:
    """Each event is POSTed with ids and status only, signed with the secret, which is shown this once."""
    webhook, secret = webhooks.create(admin, body.url, body.events)
    about(webhook.webhook_id)
    return WebhookSecretResponse.with_secret(webhook, secret)


@router.get(
    "",
    operation_id="list_webhooks",
    summary="All webhooks (admin)",
    responses=problems(401, 403, 503),
)
def list_webhooks(_admin: WebhookAdmin, webhooks: WebhooksCase) -> WebhookList:
    """Oldest first; there are fifty at most."""
    return WebhookList.of(webhooks.all())


@router.get(
    "/{webhook_id}",
    operation_id="get_webhook",
    summary="A webhook (admin)",
    responses=problems(401, 403, 404, 503),
)
def get_webhook(webhook_id: str, _admin: WebhookAdmin, webhooks: WebhooksCase) -> WebhookResponse:
    """Where it is, what it is told of, and why it is disabled if it is."""
    return WebhookResponse.of(webhooks.get(webhook_id))


@router.patch(
    "/{webhook_id}",
    operation_id="change_webhook",
    summary="Change, enable or disable a webhook (admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def change_webhook(
    webhook_id: str, body: WebhookChangeRequest, _admin: WebhookAdmin, webhooks: WebhooksCase
) -> WebhookResponse:
    """Holds for the next attempt. What happened while it was disabled is not told later."""
    return WebhookResponse.of(webhooks.change(webhook_id, body.changes))


@router.delete(
    "/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="delete_webhook",
    summary="Delete a webhook (admin)",
    responses=problems(401, 403, 404, 503),
)
def delete_webhook(webhook_id: str, _admin: WebhookAdmin, webhooks: WebhooksCase) -> None:
    """What waits for it is dropped."""
    webhooks.remove(webhook_id)


@router.post(
    "/{webhook_id}/rotate",
    operation_id="rotate_webhook_secret",
    summary="Give a webhook a new secret (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def rotate_webhook_secret(
    webhook_id: str, _admin: WebhookAdmin, webhooks: WebhooksCase
) -> WebhookSecretResponse:
    """The former secret signs nothing from now on, but for a request that is on its way already.

    A receiver that is to miss nothing accepts both for a minute.
    """
    return WebhookSecretResponse.with_secret(*webhooks.rotate(webhook_id))


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    summary="What a webhook was told (admin)",
    responses=problems(400, 401, 403, 404, 503),
)
def list_webhook_deliveries(
    webhook_id: str,
    _admin: WebhookAdmin,
    webhooks: WebhooksCase,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries on a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> WebhookDeliveryList:
    """Of the last 30 days, the newest event first, each with its last attempt."""
    return WebhookDeliveryList.of(webhooks.attempts(webhook_id, limit, cursor))
