"""Claims of deliveries, in the table of what may be forgotten."""

import hashlib
from datetime import datetime, timedelta

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.tables import EphemeralItem, bind
from triagelens.services.deliveries import Claim
from triagelens.services.ports import Clock

SK = "CLAIM"
DELIVERED = "delivered"
# Longer than a copy can wait in a queue (4 days) and then among the dead letters (14).
REMEMBERED = timedelta(days=30)
CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoDeliveries:
    """`services.deliveries.Deliveries`: one item for each key, taken by a conditional write.

    Keys are stored as digests, as a key may name a person or an address.
    """

    def __init__(self, table_name: str, region: str, clock: Clock) -> None:
        bind(EphemeralItem, table_name, region)
        self._clock = clock

    def begin(self, key: str, holder: str, until: datetime) -> Claim:
        now = self._clock()
        free = (
            EphemeralItem.pk.does_not_exist()
            | (EphemeralItem.expires_at <= now.timestamp())
            | (EphemeralItem.kind == _kind(holder))
            | ((EphemeralItem.kind != DELIVERED) & (EphemeralItem.open_at <= now.timestamp()))
        )
        try:
            _item(key, _kind(holder), now, until).save(condition=free)
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            found = EphemeralItem.get(_pk(key), SK, consistent_read=True)
            return Claim.DONE if found.kind == DELIVERED else Claim.ELSEWHERE
        return Claim.MINE

    def finish(self, key: str) -> None:
        now = self._clock()
        _item(key, DELIVERED, now, now).save()


def _item(key: str, kind: str, now: datetime, until: datetime) -> EphemeralItem:
    """A claim; `until` is when it is anybody's, unless it was delivered by then."""
    return EphemeralItem(
        _pk(key),
        SK,
        kind=kind,
        body={},
        open_at=until.timestamp(),
        expires_at=int((now + REMEMBERED).timestamp()),
    )


def _kind(holder: str) -> str:
    """Tells one holder's claim from another's."""
    return f"delivery#{holder}"


def _pk(key: str) -> str:
    return f"DELIVERY#{hashlib.sha256(key.encode()).hexdigest()}"
