"""Transactions whose parts say what it means when they are refused."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from triagelens.adapters.dynamodb.tables import Item
from triagelens.domain.errors import TriagelensError, UnavailableError

CONDITION_FAILED = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"
TRIES = 6
LONGEST_FIRST_PAUSE_S = 0.02  # doubles with every try, so that colliding writers come apart
# How to add a part to a transaction, and what it means if its condition fails.
_Part: TypeAlias = tuple[Callable[[TransactWrite], None], TriagelensError]


class Parts:
    """The parts of one transaction. Each names the error that a failing condition stands for.

    They are written in PynamoDB's order (checks, deletes, puts, updates), and the first part that
    fails decides which error it is.
    """

    def __init__(self) -> None:
        self._checks: list[_Part] = []
        self._deletes: list[_Part] = []
        self._puts: list[_Part] = []
        self._updates: list[_Part] = []

    def check(
        self, item: type[Item], pk: str, sk: str, condition: Condition, otherwise: TriagelensError
    ) -> None:
        """The item of that key has to fulfil the condition."""
        self._checks.append(
            (lambda write: write.condition_check(item, pk, sk, condition=condition), otherwise)
        )

    def delete(self, item: Item, condition: Condition | None, otherwise: TriagelensError) -> None:
        """Removes the item of that key if it fulfils the condition, whatever its version is.

        Without a condition it is gone afterwards, whether it was there or not.
        """
        self._deletes.append(
            (lambda write: write.delete(item, condition=condition, add_version_condition=False), otherwise)
        )

    def put(self, item: Item, otherwise: TriagelensError, condition: Condition | None = None) -> None:
        """Writes the item over the version that it was read at; a new item only where there is none.

        Where the item has no version, `condition` alone decides.
        """
        self._puts.append((lambda write: write.save(item, condition=condition), otherwise))

    def update(
        self,
        item: Item,
        actions: Sequence[Action],
        otherwise: TriagelensError,
        condition: Condition | None = None,
    ) -> None:
        """Changes the item of that key, whatever its version is; makes it if there is none and it may."""

        def add(write: TransactWrite) -> None:
            write.update(item, list(actions), condition=condition, add_version_condition=False)

        self._updates.append((add, otherwise))

    def write(self, connection: Connection) -> None:
        """All parts or none. Collisions with other transactions are sorted out by trying again.

        Raises:
            TriagelensError: the first refused part's own.
            UnavailableError: collisions do not end.
            TransactWriteError: anything else.
        """
        parts = [*self._checks, *self._deletes, *self._puts, *self._updates]
        for attempt in range(TRIES):
            try:
                with TransactWrite(connection=connection) as write:
                    for add, _ in parts:
                        add(write)
                return
            except TransactWriteError as error:
                codes = [reason.code if reason else None for reason in error.cancellation_reasons]
                if CONDITION_FAILED in codes:
                    _, otherwise = parts[codes.index(CONDITION_FAILED)]
                    raise otherwise from error
                if CONFLICT not in codes:
                    raise
            time.sleep(random.uniform(0, LONGEST_FIRST_PAUSE_S * 2**attempt))  # noqa: S311  # no secret
        raise UnavailableError("Too many change this at the same time; try again.", retry_after_s=1)
