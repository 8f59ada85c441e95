"""From an event on the bus to each webhook that wants it: once, or again until it came."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError
from triagelens.domain.messages import Event
from triagelens.domain.webhooks import (
    ATTEMPTS,
    EVENT_HEADER,
    PAUSES,
    SIGNATURE_HEADER,
    Attempt,
    DisabledReason,
    Notice,
    Order,
    Outcome,
    Webhook,
    signature,
)
from triagelens.services.deliveries import Claim, Deliveries
from triagelens.services.ports import Clock
from triagelens.services.webhook_ports import (
    AttemptLog,
    OrderQueue,
    Reply,
    SecretVault,
    Sender,
    WebhookRecords,
)

# A claim outlasts the pause before its holder's next attempt by this, as messages come late at times.
GRACE = timedelta(minutes=15)
RACES = 5
USER_AGENT = "Triagelens-Webhooks/1"


@dataclass(frozen=True)
class FanOut:
    """One order for each webhook that wants an event. Copies of the event give copies of the orders."""

    records: WebhookRecords
    queue: OrderQueue

    def tell(self, event: Event) -> int:
        """How many webhooks there are to tell.

        Raises:
            UnavailableError: the queue did not take all orders; do it again.
        """
        notice = Notice.of(event)
        orders = [
            Order(webhook_id=webhook.webhook_id, notice=notice, correlation_id=event.correlation_id)
            for webhook in self.records.webhooks()
            if webhook.wants(event.type)
        ]
        if orders:
            self.queue.send(orders)
        return len(orders)


@dataclass(frozen=True)
class Told:
    """What became of an order.

    Attributes:
        outcome: of the attempt; None if none was made.
        again_after: when the message is to come again; None if it is over.
        disabled: why the webhook was disabled over it.
    """

    outcome: Outcome | None = None
    again_after: timedelta | None = None
    disabled: DisabledReason | None = None


@dataclass(frozen=True)
class WebhookDelivery:
    """Carries out orders. The queue's receive count is the attempt's number."""

    records: WebhookRecords
    vault: SecretVault
    deliveries: Deliveries
    log: AttemptLog
    sender: Sender
    clock: Clock

    def carry_out(self, order: Order, message_id: str, received: int) -> Told:
        """One attempt, unless the event came already or another copy of the order is at it.

        A crash after the request was sent repeats it with the same event id. What was given up is over
        for its copies, too. Faults of our own are raised, and are no attempt of the receiver's.
        """
        try:
            webhook = self.records.webhook(order.webhook_id)
        except NotFoundError:
            return Told()
        if not webhook.enabled:
            return Told()
        pause = PAUSES[min(received, len(PAUSES)) - 1]
        claim = self.deliveries.begin(order.key, message_id, self.clock() + pause + GRACE)
        if claim is Claim.DONE:
            return Told()
        if claim is Claim.ELSEWHERE:
            # Not dropped: a redriven message may find the claim of the one that died.
            return Told(again_after=pause if received < ATTEMPTS else GRACE)
        reply = self._send(webhook, order.notice)
        outcome = _outcome(reply, received)
        again_after = pause if outcome is Outcome.RETRYING else None
        self._note(order, reply, outcome, received, again_after)
        reason = self._count(order, outcome)
        if again_after is None:
            self.deliveries.finish(order.key)
        return Told(outcome, again_after, reason)

    def _send(self, webhook: Webhook, notice: Notice) -> Reply:
        body = notice.body
        secret = self.vault.open(webhook.webhook_id, webhook.sealed_secret)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            EVENT_HEADER: notice.id,
            SIGNATURE_HEADER: signature(secret, int(self.clock().timestamp()), body),
        }
        return self.sender.post(webhook.url, headers, body)

    def _note(
        self, order: Order, reply: Reply, outcome: Outcome, received: int, again_after: timedelta | None
    ) -> None:
        now = self.clock()
        self.log.note(
            Attempt(
                webhook_id=order.webhook_id,
                event_id=order.notice.id,
                event_type=order.notice.type,
                event_at=order.notice.created_at,
                attempt=received,
                at=now,
                outcome=outcome,
                status=reply.status,
                problem=reply.problem,
                next_attempt_at=None if again_after is None else now + again_after,
            )
        )

    def _count(self, order: Order, outcome: Outcome) -> DisabledReason | None:
        """Keeps the webhook's record; why it was disabled over it, if it was."""
        now = self.clock()
        match outcome:
            case Outcome.GONE:
                return self._keep(order, lambda webhook: webhook.disabled(DisabledReason.GONE, now))
            case Outcome.GIVEN_UP:
                return self._keep(order, lambda webhook: webhook.after_giving_up(order.notice.id, now))
            case Outcome.DELIVERED:
                return self._keep(order, lambda webhook: webhook.model_copy(update={"given_up": ()}))
            case Outcome.RETRYING:
                return None

    def _keep(self, order: Order, change: Callable[[Webhook], Webhook]) -> DisabledReason | None:
        for _ in range(RACES):
            try:
                webhook = self.records.webhook(order.webhook_id)
                changed = change(webhook)
                if changed == webhook:
                    return None
                self.records.write(changed)
            except NotFoundError:
                return None
            except ConflictError:
                continue
            return changed.disabled_reason if webhook.enabled else None
        raise UnavailableError("The webhook's record is changed too often to be written.", retry_after_s=60)


def _outcome(reply: Reply, received: int) -> Outcome:
    if reply.status is not None and HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome.DELIVERED
    if reply.status == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.RETRYING if received < ATTEMPTS else Outcome.GIVEN_UP
