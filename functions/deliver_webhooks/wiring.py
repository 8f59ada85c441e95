"""The use cases on AWS."""

from datetime import UTC, datetime
from functools import lru_cache

from deliver_webhooks.settings import settings
from triagelens.adapters.aws import kms_client, sqs_client
from triagelens.adapters.dynamodb.deliveries import DynamoDeliveries
from triagelens.adapters.dynamodb.webhooks import DynamoAttemptLog, DynamoWebhooks
from triagelens.adapters.webhook_queue import SqsOrderQueue
from triagelens.adapters.webhook_secrets import KmsSecretVault
from triagelens.adapters.webhook_sender import PublicSender
from triagelens.services.webhook_deliveries import FanOut, WebhookDelivery
from triagelens.services.webhook_ports import Sender


def utc_now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def sender() -> Sender:
    return PublicSender()


@lru_cache
def queue() -> SqsOrderQueue:
    conf = settings()
    return SqsOrderQueue(sqs_client(conf.aws_region), conf.webhooks_queue_url)


@lru_cache
def fan_out() -> FanOut:
    conf = settings()
    return FanOut(DynamoWebhooks(conf.users_table, conf.aws_region), queue())


@lru_cache
def delivery() -> WebhookDelivery:
    conf = settings()
    return WebhookDelivery(
        records=DynamoWebhooks(conf.users_table, conf.aws_region),
        vault=KmsSecretVault(kms_client(conf.aws_region), conf.webhook_key_id),
        deliveries=DynamoDeliveries(conf.ephemeral_table, conf.aws_region, utc_now),
        log=DynamoAttemptLog(conf.ephemeral_table, conf.aws_region),
        sender=sender(),
        clock=utc_now,
    )
