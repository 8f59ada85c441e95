"""A case: images of one person, what clinicians think of them, and how that may change."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from triagelens.domain.errors import InvalidRequestError, TransitionError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Action, Person
from triagelens.domain.specialties import specialty


class CaseStatus(StrEnum):
    OPEN = "open"
    UNCERTAIN = "uncertain"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Move(StrEnum):
    """What can be done with a case."""

    AMEND = "amend"
    CONFIRM = "confirm"
    DOUBT = "uncertain"
    REJECT = "reject"


# The whole state machine: what is not drawn here is refused.
MOVES: Mapping[tuple[CaseStatus, Move], CaseStatus] = MappingProxyType(
    {
        (CaseStatus.OPEN, Move.AMEND): CaseStatus.OPEN,
        (CaseStatus.OPEN, Move.CONFIRM): CaseStatus.CONFIRMED,
        (CaseStatus.OPEN, Move.DOUBT): CaseStatus.UNCERTAIN,
        (CaseStatus.OPEN, Move.REJECT): CaseStatus.REJECTED,
        (CaseStatus.UNCERTAIN, Move.AMEND): CaseStatus.UNCERTAIN,
        (CaseStatus.UNCERTAIN, Move.CONFIRM): CaseStatus.CONFIRMED,
        (CaseStatus.UNCERTAIN, Move.REJECT): CaseStatus.REJECTED,
    }
)
# An image belongs to at most one case of these.
UNDECIDED = frozenset({CaseStatus.OPEN, CaseStatus.UNCERTAIN})
# A rejected case teaches nothing.
LABELLED = frozenset(CaseStatus) - {CaseStatus.REJECTED}

# The platform itself, where otherwise a person's `sub` stands; no person's is like it.
SYSTEM = "system"

MOST_IMAGES = 20
# Fields whose former values the history keeps.
TRACKED = ("status", "image_ids", "patient_id", "notes", "final_diagnosis")


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Decision(_Part):
    """Who gave a case its present status, when, and why."""

    by: str
    at: datetime
    reason: str | None = None


class HistoryEntry(_Part):
    """One change. Fields that did not change are in neither `before` nor `after`.

    Attributes:
        entry_id: ULID; a case's entries sort by it.
        action: what was done, as `thing.verb`.
    """

    entry_id: str
    case_id: str
    at: datetime
    by: str
    action: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    reason: str | None = None


class Case(_Part):
    """Everything about a case but its comments, labels and history, which are records of their own.

    Attributes:
        number: for people to say aloud; allocated once per deployment.
        owner: `sub` of who made the case.
        image_owner: `sub` of whose images these are, where it is not `owner`; may see the case.
        correlation_id: of the request that changed the case last.
        version: optimistic lock of the stored item.
    """

    case_id: str
    number: int
    specialty: str
    status: CaseStatus
    owner: str
    image_owner: str | None = None
    image_ids: tuple[str, ...]
    patient_id: str | None = None
    notes: str | None = None
    final_diagnosis: str | None = None
    decision: Decision | None = None
    created_at: datetime
    updated_at: datetime
    updated_by: str
    correlation_id: str
    version: int | None = None

    def is_visible_to(self, person: Person) -> bool:
        is_patient = self.patient_id is not None and self.patient_id == person.patient_id
        part_of_it = is_patient or person.sub in (self.owner, self.image_owner)
        return part_of_it or person.may(Action.SEE_ALL_CASES)

    @property
    def is_undecided(self) -> bool:
        return self.status in UNDECIDED

    @property
    def is_doubted_by_the_platform(self) -> bool:
        """Whether it is uncertain because a model was, and nobody has said so since."""
        by = self.decision.by if self.decision is not None else None
        return self.status is CaseStatus.UNCERTAIN and by == SYSTEM

    def after(self, move: Move, by: str, now: datetime, correlation_id: str, **changes: Any) -> Self:
        """A copy as it is after `move`, with `changes` applied.

        Raises:
            TransitionError: the state machine has no such edge.
        """
        to = MOVES.get((self.status, move))
        if move is Move.DOUBT and self.is_doubted_by_the_platform:
            to = CaseStatus.UNCERTAIN  # a person's doubt takes the place of the platform's
        if to is None:
            raise TransitionError(f"A case that is {self.status} does not take {move.value!r}.")
        stamp = {"updated_at": now, "updated_by": by, "correlation_id": correlation_id}
        return self.model_copy(update={**changes, **stamp, "status": to})

    def entry(self, action: str, before: Self | None, reason: str | None = None) -> HistoryEntry:
        """The history's entry of the change from `before` to this."""
        new = self.model_dump(mode="json", include=set(TRACKED))
        old = (
            dict.fromkeys(TRACKED) if before is None else before.model_dump(mode="json", include=set(TRACKED))
        )
        changed = [name for name in TRACKED if old[name] != new[name]]
        return HistoryEntry(
            entry_id=new_id(),
            case_id=self.case_id,
            at=self.updated_at,
            by=self.updated_by,
            action=action,
            before={} if before is None else {name: old[name] for name in changed},
            after={name: new[name] for name in changed},
            reason=reason,
        )


class Comment(_Part):
    """What somebody said about a case. Former texts are in the case's history."""

    comment_id: str
    case_id: str
    author: str
    text: str
    created_at: datetime
    edited_at: datetime | None = None
    version: int | None = None


class ReaderLabel(_Part):
    """What one reader takes a case for; one for each reader, whose former labels are in the history."""

    case_id: str
    reader: str
    correct_label: str
    notes: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int | None = None


def check_label(of_specialty: str, label: str) -> None:
    """Makes sure that the specialty knows the label.

    Raises:
        InvalidRequestError: it does not.
    """
    known = specialty(of_specialty).label_names
    if label not in known:
        raise InvalidRequestError(f"The labels of {of_specialty} are {', '.join(known)}.")
