"""Webhooks in the users table, and what they were told in that of what may be forgotten."""

import re
from collections.abc import Sequence
from datetime import UTC, timedelta

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import EphemeralItem, UsersItem, bind
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.webhooks import Attempt, Webhook
from triagelens.services.ports import Page

# All under one key: there are few, and each event asks for all of them.
WEBHOOKS = "WEBHOOKS"
KEPT = timedelta(days=30)
CONDITION_FAILED = "ConditionalCheckFailedException"
_CURSOR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00#[a-zA-Z0-9:._-]{1,128}")


class DynamoWebhooks:
    """`services.webhook_ports.WebhookRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(UsersItem, table_name, region)

    def webhooks(self) -> Sequence[Webhook]:
        return [_webhook(item) for item in UsersItem.query(WEBHOOKS, consistent_read=True)]

    def webhook(self, webhook_id: str) -> Webhook:
        try:
            return _webhook(UsersItem.get(WEBHOOKS, webhook_id, consistent_read=True))
        except UsersItem.DoesNotExist:
            raise NotFoundError("There is no such webhook.") from None

    def write(self, webhook: Webhook) -> Webhook:
        body = webhook.model_dump(mode="json", exclude={"version"})
        item = UsersItem(WEBHOOKS, webhook.webhook_id, kind="webhook", body=body, version=webhook.version)
        try:
            item.save()  # the version attribute makes it fail if it has changed
        except PutError as error:
            if error.cause_response_code == CONDITION_FAILED:
                raise ConflictError("The webhook has changed since it was read; try again.") from error
            raise
        return webhook.model_copy(update={"version": item.version})

    def remove(self, webhook: Webhook) -> None:
        UsersItem(WEBHOOKS, webhook.webhook_id).delete(add_version_condition=False)


class DynamoAttemptLog:
    """`services.webhook_ports.AttemptLog`: an item for each event of a webhook, the last attempt in it."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(EphemeralItem, table_name, region)

    def note(self, attempt: Attempt) -> None:
        EphemeralItem(
            _told_pk(attempt.webhook_id),
            _told_sk(attempt),
            kind="attempt",
            body=attempt.model_dump(mode="json"),
            expires_at=int((attempt.at + KEPT).timestamp()),
        ).save()

    def of(self, webhook_id: str, limit: int, cursor: str | None) -> Page[Attempt]:
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        behind = None if cursor is None else EphemeralItem.sk < cursor
        found = EphemeralItem.query(
            _told_pk(webhook_id), behind, scan_index_forward=False, limit=limit + 1, consistent_read=True
        )
        attempts = [Attempt.model_validate(item.body) for item in found]
        shown = attempts[:limit]
        return Page(shown, _told_sk(shown[-1]) if len(attempts) > limit else None)


def _told_pk(webhook_id: str) -> str:
    return f"TOLD#{webhook_id}"


def _told_sk(attempt: Attempt) -> str:
    at = attempt.event_at.astimezone(UTC)
    return f"{at.isoformat(timespec='microseconds')}#{attempt.event_id}"


def _webhook(item: UsersItem) -> Webhook:
    return Webhook.model_validate({**item.body, "version": item.version})
