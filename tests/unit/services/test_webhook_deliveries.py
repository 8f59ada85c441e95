"""An event reaches each webhook that wants it once, or again until it came."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.fake_deliveries import FakeDeliveries
from tests.fake_webhooks import FakeAttemptLog, FakeOrderQueue, FakeSender, FakeVault, FakeWebhooks
from tests.fakes import START, FakeClock
from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.messages import Event
from triagelens.domain.people import Person, Role
from triagelens.domain.webhooks import (
    ATTEMPTS,
    MOST_WEBHOOKS,
    PAUSES,
    DisabledReason,
    Notice,
    Order,
    Outcome,
    Webhook,
    WebhookEvent,
    signature,
)
from triagelens.services.webhook_deliveries import FanOut, Told, WebhookDelivery
from triagelens.services.webhook_ports import Reply
from triagelens.services.webhooks import Webhooks

ADMIN = Person(sub="sub-ada", username="ada", role=Role.ADMIN, created_at=START)
URL = "https://hooks.example.org/"
DOWN = Reply(status=503)


def event(number: int = 1, kind: str = "image.analyzed") -> Event:
    detail = {"image_id": "i", "status": "analyzed", "owner": "sub-eve"}
    return Event(event_id=f"i:{number}", type=kind, time=START, correlation_id="c", detail=detail)


@dataclass
class World:
    """The use cases over fakes."""

    clock: FakeClock = field(default_factory=FakeClock)
    records: FakeWebhooks = field(default_factory=FakeWebhooks)
    log: FakeAttemptLog = field(default_factory=FakeAttemptLog)
    queue: FakeOrderQueue = field(default_factory=FakeOrderQueue)
    sender: FakeSender = field(default_factory=FakeSender)

    def __post_init__(self) -> None:
        self.vault = FakeVault()
        self.claims = FakeDeliveries(self.clock)
        self.admin = Webhooks(self.records, self.vault, self.log, self.clock)
        self.delivery = WebhookDelivery(
            self.records, self.vault, self.claims, self.log, self.sender, self.clock
        )

    def webhook(self, events: Sequence[WebhookEvent] = (WebhookEvent.IMAGE_ANALYZED,)) -> tuple[Webhook, str]:
        return self.admin.create(ADMIN, URL, events)

    def order(self, webhook: Webhook, number: int = 1) -> Order:
        return Order(webhook_id=webhook.webhook_id, notice=Notice.of(event(number)), correlation_id="c")

    def now(self, webhook: Webhook) -> Webhook:
        return self.records.webhook(webhook.webhook_id)

    def give_up(self, webhook: Webhook, number: int) -> Told:
        """All attempts of an event, in the pauses' time."""
        for received in range(1, ATTEMPTS + 1):
            told = self.delivery.carry_out(self.order(webhook, number), f"m{number}", received)
            if told.again_after is not None:
                self.clock.now += told.again_after
        return told


@pytest.fixture
def world() -> World:
    return World()


def test_an_event_becomes_one_order_for_each_webhook_that_wants_it(world: World) -> None:
    wants, _ = world.webhook([WebhookEvent.IMAGE_ANALYZED, WebhookEvent.CASE_CREATED])
    also, _ = world.webhook()
    world.webhook([WebhookEvent.CASE_CREATED])
    silent, _ = world.webhook()
    world.admin.change(silent.webhook_id, {"enabled": False})
    assert FanOut(world.records, world.queue).tell(event()) == 2
    assert {order.webhook_id for order in world.queue.sent} == {wants.webhook_id, also.webhook_id}
    assert world.queue.sent[0].notice.data == {"image_id": "i", "status": "analyzed"}


def test_a_delivery_is_signed_and_carries_the_events_id(world: World) -> None:
    webhook, secret = world.webhook()
    told = world.delivery.carry_out(world.order(webhook), "m", 1)
    assert told == Told(Outcome.DELIVERED)
    [(url, headers, body)] = world.sender.posted
    assert (url, headers["Triagelens-Event-Id"]) == (URL, "i:1")
    assert headers["Triagelens-Signature"] == signature(secret, int(START.timestamp()), body)
    [attempt] = world.admin.attempts(webhook.webhook_id, 10, None).items
    assert (attempt.outcome, attempt.status, attempt.attempt) == (Outcome.DELIVERED, 200, 1)


def test_five_copies_of_an_event_are_one_delivery(world: World) -> None:
    webhook, _ = world.webhook()
    fan_out = FanOut(world.records, world.queue)
    for _ in range(5):
        fan_out.tell(event())
    assert len(world.queue.sent) == 5
    for number, order in enumerate(world.queue.sent):
        world.delivery.carry_out(order, f"m{number}", 1)
    assert len(world.sender.posted) == 1
    assert world.now(webhook).enabled


def test_a_copy_that_comes_while_another_is_at_it_waits_and_sends_nothing(world: World) -> None:
    webhook, _ = world.webhook()
    copies: list[Told] = []
    world.sender.on_post = lambda: copies.append(world.delivery.carry_out(world.order(webhook), "copy", 1))
    assert world.delivery.carry_out(world.order(webhook), "m", 1).outcome is Outcome.DELIVERED
    assert copies == [Told(again_after=PAUSES[0])]
    assert world.delivery.carry_out(world.order(webhook), "copy", 2) == Told(), "it came meanwhile"
    assert len(world.sender.posted) == 1


def test_a_crash_after_sending_repeats_with_the_same_event_id_and_body(world: World) -> None:
    webhook, _ = world.webhook()

    def die() -> None:
        raise KeyboardInterrupt

    world.sender.on_post = die
    with pytest.raises(KeyboardInterrupt):
        world.delivery.carry_out(world.order(webhook), "m", 1)
    world.sender.on_post = lambda: None
    world.clock.advance(minutes=3)
    assert world.delivery.carry_out(world.order(webhook), "m", 2).outcome is Outcome.DELIVERED
    (_, first, body), (_, again, same) = world.sender.posted
    assert body == same
    assert first["Triagelens-Event-Id"] == again["Triagelens-Event-Id"]
    assert first["Triagelens-Signature"] != again["Triagelens-Signature"], "signed at the time of sending"


@pytest.mark.parametrize("reply", [DOWN, Reply(status=302), Reply(status=404), Reply(problem="timeout")])
def test_what_did_not_come_is_tried_again_after_ever_longer_pauses(world: World, reply: Reply) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = reply
    pauses: list[timedelta | None] = []
    for received in range(1, ATTEMPTS + 1):
        told = world.delivery.carry_out(world.order(webhook), "m", received)
        pauses.append(told.again_after)
        world.clock.now += told.again_after or timedelta()
    assert pauses == [*PAUSES, None]
    [attempt] = world.admin.attempts(webhook.webhook_id, 10, None).items
    assert (attempt.outcome, attempt.attempt) == (Outcome.GIVEN_UP, ATTEMPTS)
    assert (attempt.status, attempt.problem) == (reply.status, reply.problem)
    assert world.now(webhook).given_up == ("i:1",)


def test_a_receiver_that_comes_back_is_told_and_the_count_begins_anew(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = DOWN
    world.give_up(webhook, 1)
    world.give_up(webhook, 2)
    assert world.delivery.carry_out(world.order(webhook, 3), "m", 1).outcome is Outcome.RETRYING
    world.sender.reply = Reply(status=204)
    assert world.delivery.carry_out(world.order(webhook, 3), "m", 2).outcome is Outcome.DELIVERED
    assert world.now(webhook).given_up == ()


def test_three_deliveries_given_up_in_a_row_disable_it_and_it_is_told(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = DOWN
    assert [world.give_up(webhook, number).disabled for number in (1, 2, 3)] == [
        None,
        None,
        DisabledReason.GIVEN_UP,
    ]
    sent = len(world.sender.posted)
    assert world.delivery.carry_out(world.order(webhook, 4), "m", 1) == Told(), "dropped"
    assert len(world.sender.posted) == sent
    assert world.now(webhook).disabled_at is not None


def test_copies_of_what_was_given_up_neither_try_nor_count_again(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = DOWN
    world.give_up(webhook, 1)
    sent = len(world.sender.posted)
    for copy in range(5):
        assert world.delivery.carry_out(world.order(webhook, 1), f"copy{copy}", ATTEMPTS) == Told()
    assert len(world.sender.posted) == sent
    assert world.now(webhook).given_up == ("i:1",)


def test_gone_disables_at_once(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = Reply(status=410)
    told = world.delivery.carry_out(world.order(webhook), "m", 1)
    assert told == Told(Outcome.GONE, None, DisabledReason.GONE)
    assert world.now(webhook).disabled_reason is DisabledReason.GONE


def test_a_message_that_was_redriven_takes_over_once_the_dead_ones_claim_has_ended(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = DOWN
    world.delivery.carry_out(world.order(webhook), "dead", 1)
    world.sender.reply = Reply(status=200)
    waits = world.delivery.carry_out(world.order(webhook), "redriven", 1)
    assert waits.again_after is not None, "it is not dropped"
    world.clock.advance(hours=1)
    assert world.delivery.carry_out(world.order(webhook), "redriven", 2).outcome is Outcome.DELIVERED


def test_a_deleted_webhook_is_told_nothing_more(world: World) -> None:
    webhook, _ = world.webhook()
    order = world.order(webhook)
    world.admin.remove(webhook.webhook_id)
    assert world.delivery.carry_out(order, "m", 1) == Told()
    assert world.sender.posted == []


def test_a_rotated_secret_signs_and_the_former_one_does_not(world: World) -> None:
    webhook, former = world.webhook()
    _, secret = world.admin.rotate(webhook.webhook_id)
    world.delivery.carry_out(world.order(webhook), "m", 1)
    [(_, headers, body)] = world.sender.posted
    at = int(START.timestamp())
    assert headers["Triagelens-Signature"] == signature(secret, at, body) != signature(former, at, body)


def test_a_change_at_the_same_moment_loses_no_count(world: World) -> None:
    webhook, _ = world.webhook()
    world.sender.reply = Reply(status=410)

    def change() -> None:
        world.admin.change(webhook.webhook_id, {"events": [WebhookEvent.CASE_CREATED]})

    world.sender.on_post = change
    world.delivery.carry_out(world.order(webhook), "m", 1)
    stored = world.now(webhook)
    assert (stored.enabled, stored.events) == (False, (WebhookEvent.CASE_CREATED,))


def test_a_record_that_cannot_be_written_is_a_fault_and_the_message_comes_again(world: World) -> None:
    class Contended(FakeWebhooks):
        def write(self, webhook: Webhook) -> Webhook:
            raise ConflictError("changed")

    webhook, _ = world.webhook()
    contended = replace(world.delivery, records=Contended(world.records.records))
    world.sender.reply = Reply(status=410)
    with pytest.raises(UnavailableError):
        contended.carry_out(world.order(webhook), "m", 1)
    assert world.delivery.carry_out(world.order(webhook), "m", 2).disabled is DisabledReason.GONE


def test_there_is_an_end_to_webhooks(world: World) -> None:
    for _ in range(MOST_WEBHOOKS):
        world.webhook()
    with pytest.raises(ConflictError):
        world.webhook()
