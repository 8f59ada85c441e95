"""Counted tries, in the table of what may be forgotten."""

import hashlib
from datetime import timedelta
from math import ceil

from pynamodb.exceptions import PutError, UpdateError

from triagelens.adapters.dynamodb.tables import EphemeralItem, bind
from triagelens.domain.attempts import Allowance
from triagelens.services.ports import Clock

COUNT = "COUNT"
RACES = 8
CONTENDED = timedelta(seconds=1)
CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoAttempts:
    """`services.limits.Attempts`: one item for each key, replaced only as it was read.

    So of many tries at the same moment exactly as many pass as if they had come one after the other.
    Keys are stored as digests: no account name and no address lies in the table.
    """

    def __init__(self, table_name: str, region: str, clock: Clock) -> None:
        bind(EphemeralItem, table_name, region)
        self._clock = clock

    def take(self, key: str, allowance: Allowance) -> timedelta:
        for _ in range(RACES):
            now = self._clock().timestamp()
            read = self._read(key, now)
            if read is not None and read.open_at > now:
                return timedelta(seconds=read.open_at - now)
            if self._counted(key, read, now, allowance):
                return timedelta()
        return CONTENDED

    def give_back(self, key: str) -> None:
        try:
            EphemeralItem(_pk(key), COUNT).update(
                actions=[EphemeralItem.tries.add(-1)], condition=EphemeralItem.tries > 0
            )
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise  # else: forgotten meanwhile

    def forget(self, key: str) -> None:
        EphemeralItem(_pk(key), COUNT).delete()

    @staticmethod
    def _read(key: str, now: float) -> EphemeralItem | None:
        try:
            item = EphemeralItem.get(_pk(key), COUNT, consistent_read=True)
        except EphemeralItem.DoesNotExist:
            return None
        return None if item.expires_at <= now else item  # DynamoDB takes its time to delete it

    @staticmethod
    def _counted(key: str, read: EphemeralItem | None, now: float, allowance: Allowance) -> bool:
        """Whether this try was counted; False if another one was quicker."""
        tries = 1 if read is None else int(read.tries) + 1
        open_at = now + allowance.pause(tries).total_seconds()
        ends = now + allowance.window.total_seconds() if read is None else read.expires_at
        item = EphemeralItem(
            _pk(key),
            COUNT,
            kind="attempts",
            body={},
            tries=tries,
            open_at=open_at,
            expires_at=ceil(max(ends, open_at)),
        )
        if read is None:
            unchanged = EphemeralItem.pk.does_not_exist() | (EphemeralItem.expires_at <= now)
        else:
            unchanged = (EphemeralItem.tries == read.tries) & (EphemeralItem.open_at == read.open_at)
        try:
            item.save(condition=unchanged)
        except PutError as error:
            if error.cause_response_code == CONDITION_FAILED:
                return False
            raise
        return True


def _pk(key: str) -> str:
    return f"TRY#{hashlib.sha256(key.encode()).hexdigest()}"
