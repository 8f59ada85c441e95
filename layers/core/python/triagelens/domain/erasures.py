"""The erasure of a patient: how it began, what it covers, and the receipt that stays.

Nothing here tells who the patient was: ids are opaque, and outlive what they once named.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class ErasureStatus(StrEnum):
    """`swept`: gone over a second time, after everything that was under way at the first has ended."""

    RUNNING = "running"
    DONE = "done"
    SWEPT = "swept"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Begun(_Part):
    """What an erasure begins with.

    Attributes:
        requested_by: `sub` of who asked for it.
        username, sub: of the account that the patient was invited to, as far as the record knew it.
    """

    erasure_id: str
    patient_id: str
    requested_by: str
    begun_at: datetime
    correlation_id: str
    username: str | None = None
    sub: str | None = None


class Scope(_Part):
    """What of the patient's there was, by id. It only ever grows.

    Attributes:
        kept_cases: cases of other patients that hold one of the images. They stay, without it.
    """

    images: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    kept_cases: frozenset[str] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        parts = {name: getattr(self, name) | getattr(other, name) for name in Scope.model_fields}
        return Scope.model_validate(parts)

    def __sub__(self, other: "Scope") -> "Scope":
        parts = {name: getattr(self, name) - getattr(other, name) for name in Scope.model_fields}
        return Scope.model_validate(parts)

    @property
    def is_empty(self) -> bool:
        return not (self.images or self.cases or self.reports or self.kept_cases)


class Outcome(_Part):
    """What one pass came to.

    Attributes:
        images, cases, reports: how many there were.
        kept_cases: see `Scope`.
        snapshots: dataset snapshots that name one of the images.
        models: `specialty/version` of those that were trained on one of these snapshots.
        account: whether the account was removed; None where there was none.
    """

    at: datetime
    images: int
    cases: int
    reports: int
    kept_cases: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    account: bool | None = None


class Receipt(_Part):
    """An erasure as far as it has come. `done` is the first pass, `swept` the second."""

    begun: Begun
    done: Outcome | None = None
    swept: Outcome | None = None

    @property
    def status(self) -> ErasureStatus:
        if self.swept is not None:
            return ErasureStatus.SWEPT
        return ErasureStatus.RUNNING if self.done is None else ErasureStatus.DONE

    @property
    def outcome(self) -> Outcome | None:
        """The latest pass."""
        return self.swept or self.done


class ErasureRequest(_Part):
    """Body of a message in the erasure queue.

    Attributes:
        sweep: whether this is the second pass.
    """

    erasure_id: str
    sweep: bool = False


def in_order(ids: Iterable[str]) -> tuple[str, ...]:
    """Ids, sorted, each once."""
    return tuple(sorted(set(ids)))
