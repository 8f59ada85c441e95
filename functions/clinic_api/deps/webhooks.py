"""Webhooks: their adapters, their use case, and who may."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.ports import ClockPort
from clinic_api.settings import settings
from triagelens.adapters.aws import kms_client
from triagelens.adapters.dynamodb.webhooks import DynamoAttemptLog, DynamoWebhooks
from triagelens.adapters.webhook_secrets import KmsSecretVault
from triagelens.domain.people import Action, Person
from triagelens.services.webhook_ports import AttemptLog, SecretVault, WebhookRecords
from triagelens.services.webhooks import Webhooks


@lru_cache
def webhook_records() -> WebhookRecords:
    conf = settings()
    return DynamoWebhooks(conf.users_table, conf.aws_region)


@lru_cache
def secret_vault() -> SecretVault:
    conf = settings()
    return KmsSecretVault(kms_client(conf.aws_region), conf.webhook_key_id)


@lru_cache
def attempt_log() -> AttemptLog:
    conf = settings()
    return DynamoAttemptLog(conf.ephemeral_table, conf.aws_region)


def webhooks(
    records: Annotated[WebhookRecords, Depends(webhook_records)],
    vault: Annotated[SecretVault, Depends(secret_vault)],
    log: Annotated[AttemptLog, Depends(attempt_log)],
    clock: ClockPort,
) -> Webhooks:
    return Webhooks(records, vault, log, clock)


WebhooksCase = Annotated[Webhooks, Depends(webhooks)]
WebhookAdmin = Annotated[Person, Depends(Allowed(Action.MANAGE_WEBHOOKS))]
