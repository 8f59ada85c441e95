"""From the bus to a receiver over TLS: the real function, tables, keys and queue."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import deliver_webhooks.settings
from deliver_webhooks import wiring
from deliver_webhooks.handler import handler, logger
from tests.cloud import Cloud, FakeContext, failed_ids, sqs_event
from tests.fakes import START
from tests.tls_receiver import Receiver, answering, listening
from triagelens.adapters.dynamodb.webhooks import DynamoAttemptLog, DynamoWebhooks
from triagelens.adapters.eventbridge import EventBridgeBus
from triagelens.adapters.webhook_secrets import KmsSecretVault
from triagelens.adapters.webhook_sender import PublicSender
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.messages import Event
from triagelens.domain.people import Person, Role
from triagelens.domain.webhooks import (
    ATTEMPTS,
    Attempt,
    DisabledReason,
    Outcome,
    Webhook,
    WebhookEvent,
)
from triagelens.services.webhooks import Webhooks
from triagelens_client.webhooks import verify

ADMIN = Person(sub="sub-ada", username="ada", role=Role.ADMIN, created_at=START)
URL = "https://localhost/hook"
REGION = "eu-central-1"
DOWN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
CACHES = (
    deliver_webhooks.settings.settings,
    *(wiring.queue, wiring.fan_out, wiring.delivery, wiring.sender),
)


@dataclass
class World:
    cloud: Cloud
    receiver: Receiver
    queue_url: str
    admin: Webhooks

    def webhook(self) -> tuple[Webhook, str]:
        """A webhook at the receiver; only a test gets around the check of its address."""
        made, secret = self.admin.create(ADMIN, "https://hooks.example.org/", [WebhookEvent.IMAGE_ANALYZED])
        local = made.model_copy(update={"url": URL})
        return self.admin.records.write(local), secret

    def happens(self, number: int = 1) -> str:
        """The message that the bus's rule puts into the queue."""
        detail = {"image_id": "i", "status": "analyzed", "owner": "sub-eve", "top_label": "mel"}
        event = Event(
            event_id=f"i:{number}", type="image.analyzed", time=START, correlation_id="c", detail=detail
        )
        EventBridgeBus(self.cloud.events, "bus").publish([event])
        [envelope] = self.cloud.published()
        return json.dumps(envelope)

    def orders(self) -> list[dict[str, Any]]:
        """Takes what waits in the queue: received once, so that its visibility can be changed."""
        answer = self.cloud.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def give(self, message: dict[str, Any], received: int = 1) -> list[str]:
        """Gives an order to the function; ids of messages that are to come again."""
        batch = sqs_event(message["Body"], receive_count=received)
        [record] = batch["Records"]
        record["messageId"], record["receiptHandle"] = message["MessageId"], message["ReceiptHandle"]
        return failed_ids(dict(handler(batch, FakeContext())))


@pytest.fixture
def world(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    queue_url = cloud.sqs.create_queue(QueueName="webhooks")["QueueUrl"]
    key_id = cloud.kms.create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("WEBHOOKS_QUEUE_URL", queue_url)
    monkeypatch.setenv("WEBHOOK_KEY_ID", key_id)
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "12")
    for cache in CACHES:
        cache.cache_clear()
    records, log = DynamoWebhooks("users", REGION), DynamoAttemptLog("ephemeral", REGION)
    admin = Webhooks(records, KmsSecretVault(cloud.kms, key_id), log, wiring.utc_now)
    with listening(tmp_path) as receiver:
        local = PublicSender(
            resolver=lambda _name, _port: ["127.0.0.1"],
            judge=lambda _address: True,
            trust=receiver.trust,
            port=receiver.port,
            total_s=5,
        )
        monkeypatch.setattr(wiring, "sender", lambda: local)
        yield World(cloud, receiver, queue_url, admin)
    for cache in CACHES:
        cache.cache_clear()


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def header_of(request: bytes, name: str) -> str:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    [value] = [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]
    return value


def test_an_event_arrives_and_the_receiver_believes_it(world: World) -> None:
    webhook, secret = world.webhook()
    assert failed_ids(dict(handler(sqs_event(world.happens()), FakeContext()))) == []
    [order] = world.orders()
    assert world.give(order) == []
    [request] = world.receiver.requests
    event = verify(body_of(request), header_of(request, "Triagelens-Signature"), secret)
    assert (event.id, event.data) == ("i:1", {"image_id": "i", "status": "analyzed"})
    assert header_of(request, "Triagelens-Event-Id") == "i:1"
    [attempt] = world.admin.attempts(webhook.webhook_id, 10, None).items
    assert (attempt.outcome, attempt.status) == (Outcome.DELIVERED, 200)


def test_five_copies_of_an_event_arrive_once(world: World) -> None:
    world.webhook()
    envelope = world.happens()
    handler(sqs_event(*[envelope] * 5), FakeContext())
    orders = world.orders()
    assert len(orders) == 5
    for order in orders:
        assert world.give(order) == []
    assert len(world.receiver.requests) == 1


def test_a_receiver_that_is_down_is_tried_again_after_the_pause_and_then_told(world: World) -> None:
    webhook, _ = world.webhook()
    handler(sqs_event(world.happens()), FakeContext())
    [order] = world.orders()
    world.receiver.answer = answering(DOWN)
    before = datetime.now().astimezone()
    assert world.give(order) == [order["MessageId"]]
    [attempt] = world.admin.attempts(webhook.webhook_id, 10, None).items
    assert (attempt.outcome, attempt.status) == (Outcome.RETRYING, 503)
    assert attempt.next_attempt_at is not None
    assert 25 < (attempt.next_attempt_at - before).total_seconds() < 60
    assert world.orders() == [], "it is hidden for the pause"
    world.receiver.answer = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert world.give(order, received=2) == []
    first, second = world.receiver.requests
    assert body_of(first) == body_of(second)


def test_three_deliveries_given_up_disable_the_webhook_and_a_metric_tells(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, secret = world.webhook()
    logged = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", logged)
    world.receiver.answer = answering(DOWN)
    for number in (1, 2, 3):
        handler(sqs_event(world.happens(number)), FakeContext())
        [order] = world.orders()
        assert world.give(order, received=ATTEMPTS) == [], "it is over, and no dead letter"
        world.cloud.sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=order["ReceiptHandle"])
    assert world.admin.get(webhook.webhook_id).disabled_reason is DisabledReason.GIVEN_UP
    assert "WebhookDisabled" in capsys.readouterr().out
    assert "a webhook was disabled" in logged.getvalue()
    for canary in (secret, URL, "whsec_", webhook.sealed_secret):
        assert canary not in logged.getvalue()
    handler(sqs_event(world.happens(4)), FakeContext())
    assert world.orders() == [], "nothing is told to it any more"


def test_a_crash_after_sending_repeats_with_the_same_event_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.webhook()
    handler(sqs_event(world.happens()), FakeContext())
    [order] = world.orders()

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(DynamoAttemptLog, "note", die)
        with pytest.raises(SystemExit):
            world.give(order)
    assert world.give(order, received=2) == []
    ids = [header_of(request, "Triagelens-Event-Id") for request in world.receiver.requests]
    assert ids == ["i:1", "i:1"]


def test_a_message_that_is_none_goes_its_way_to_the_dead_letters(world: World) -> None:
    for poison in ("no json", "[]", '{"webhook_id": "w"}', '{"detail-type": "image.analyzed"}'):
        assert failed_ids(dict(handler(sqs_event(poison, receive_count=12), FakeContext()))) == ["m0"]
    assert world.receiver.requests == []


def test_a_secret_lies_encrypted_and_opens_for_its_own_webhook_alone(world: World) -> None:
    webhook, secret = world.webhook()
    assert secret not in json.dumps(world.cloud.dynamodb.scan(TableName="users"), default=str)
    vault = world.admin.vault
    assert vault.open(webhook.webhook_id, webhook.sealed_secret) == secret
    with pytest.raises(world.cloud.kms.exceptions.InvalidCiphertextException):
        vault.open("another", webhook.sealed_secret)


def test_the_table_takes_no_change_to_what_has_changed_or_is_gone(world: World) -> None:
    webhook, _ = world.webhook()
    world.admin.change(webhook.webhook_id, {"enabled": False})
    with pytest.raises(ConflictError):
        world.admin.records.write(webhook)
    world.admin.remove(webhook.webhook_id)
    with pytest.raises(ConflictError):
        world.admin.records.write(webhook)
    with pytest.raises(NotFoundError):
        world.admin.get(webhook.webhook_id)


def test_what_was_told_is_listed_by_the_events_time_and_in_pages(world: World) -> None:
    for number in range(5):
        world.admin.log.note(
            Attempt(
                webhook_id="w",
                event_id=f"e:{number}",
                event_type="image.analyzed",
                event_at=START.replace(minute=number),
                attempt=1,
                at=START,
                outcome=Outcome.DELIVERED,
            )
        )
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = world.admin.log.of("w", 2, cursor)
        seen += [attempt.event_id for attempt in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ["e:4", "e:3", "e:2", "e:1", "e:0"]
    with pytest.raises(InvalidRequestError):
        world.admin.log.of("w", 2, "TOLD#other")
