"""What may be forgotten: places in the waiting room."""

import secrets
from datetime import timedelta

from pynamodb.exceptions import DeleteError, PutError

from triagelens.adapters.dynamodb.tables import EphemeralItem, bind
from triagelens.domain.ids import new_id
from triagelens.services.ports import Clock

LEASE = "LEASE"
TRIES = 4


class DynamoWaitingRoom:
    """`services.ports.WaitingRoom`: so many places, each leased to one waiting request.

    A place is picked at random and taken by a conditional write, a few times over: a nearly full room
    may turn somebody away although a place is left, and costs four small writes at most. A holder
    that died loses its place when its lease ends.
    """

    def __init__(self, table_name: str, region: str, places: int, clock: Clock) -> None:
        bind(EphemeralItem, table_name, region)
        self._places = places
        self._clock = clock

    def enter(self, lifetime: timedelta) -> str | None:
        for _ in range(TRIES):
            number, holder = secrets.randbelow(self._places), new_id()
            if self._take(number, holder, lifetime):
                return f"{number}:{holder}"
        return None

    def leave(self, place: str) -> None:
        number, holder = place.split(":")
        item = EphemeralItem(f"WAIT#{number}", LEASE)
        try:
            item.delete(condition=EphemeralItem.kind == _kind(holder))
        except DeleteError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise  # else: the lease ended, and the place is somebody else's by now

    def _take(self, number: int, holder: str, lifetime: timedelta) -> bool:
        now = self._clock()
        item = EphemeralItem(
            f"WAIT#{number}",
            LEASE,
            kind=_kind(holder),
            body={},
            expires_at=int((now + lifetime).timestamp()),
        )
        free = EphemeralItem.pk.does_not_exist() | (EphemeralItem.expires_at < now.timestamp())
        try:
            item.save(condition=free)
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _kind(holder: str) -> str:
    """Tells one holder's lease from another's."""
    return f"lease#{holder}"
