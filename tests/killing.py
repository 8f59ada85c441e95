"""Kills a handler at one of its writes to AWS, as a time-out or a lost host would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest.mock import patch

from botocore.client import BaseClient

WRITES = frozenset(
    {
        "CopyObject",
        "DeleteObject",
        "PutEvents",
        "PutItem",
        "PutObject",
        "SendMessage",
        "TransactWriteItems",
        "UpdateItem",
    }
)


class KilledError(BaseException):
    """The process is gone. Not an Exception: nothing in the process may catch it."""


@dataclass
class Writes:
    """The writes that a handler made while it was watched."""

    made: list[str] = field(default_factory=list)


@contextmanager
def watched(
    kill_at: int | None = None,
    moment: Literal["before", "after"] = "before",
    operations: frozenset[str] = WRITES,
) -> Iterator[Writes]:
    """Records writes in this block; kills at write number `kill_at` (from 0), before or after it is done.

    Args:
        operations: what counts as a write.
    """
    writes = Writes()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's one door to AWS

    def counted(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation not in operations:
            return call(self, operation, parameters)
        number = len(writes.made)
        if number == kill_at and moment == "before":
            raise KilledError
        answer = call(self, operation, parameters)
        writes.made.append(operation)
        if number == kill_at:
            raise KilledError
        return answer

    with patch.object(BaseClient, "_make_api_call", counted):
        yield writes
