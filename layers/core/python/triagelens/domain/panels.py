"""A case's panel: its readers, whether they agree, and the label that follows."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.cases import check_label
from triagelens.domain.errors import ForbiddenError, TransitionError

MOST_READERS = 9


class PanelState(StrEnum):
    """`reading` until every wanted reader has labelled the case; then they agree, or somebody adjudicates."""

    READING = "reading"
    AGREED = "agreed"
    DISPUTED = "disputed"
    ADJUDICATED = "adjudicated"


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Adjudication(_Part):
    """Who settled a dispute, how, and why."""

    by: str
    at: datetime
    label: str
    reason: str


class Panel(_Part):
    """Who reads a case, and what comes of it.

    Attributes:
        readers_wanted: how many readers label the case without knowing of each other's labels.
        labels: label by reader.
        training_label: what the case teaches: the adjudicated label, else the one on which all readers
            agree once all are in, else None.
        decided_at: when the label that teaches was last decided.
        version: optimistic lock of the stored item; None as long as there is none.
    """

    case_id: str
    specialty: str
    readers_wanted: int = Field(default=1, ge=1, le=MOST_READERS)
    labels: dict[str, str] = {}
    adjudication: Adjudication | None = None
    training_label: str | None = None
    decided_at: datetime | None = None
    version: int | None = None

    @property
    def is_blind(self) -> bool:
        """Whether readers work without knowing each other's labels."""
        return self.readers_wanted > 1

    @property
    def is_complete(self) -> bool:
        return len(self.labels) >= self.readers_wanted

    @property
    def hides_labels(self) -> bool:
        """Whether nobody may see another's label yet."""
        return self.is_blind and not self.is_complete

    @property
    def state(self) -> PanelState:
        if not self.is_complete:
            return PanelState.READING
        if self.adjudication is not None:
            return PanelState.ADJUDICATED
        return PanelState.AGREED if len(set(self.labels.values())) == 1 else PanelState.DISPUTED

    def wanting(self, readers: int) -> Self:
        """The panel with another number of readers.

        Raises:
            TransitionError: somebody has labelled the case already.
        """
        if self.labels:
            raise TransitionError("A reader has labelled this case; the number of readers stays as it is.")
        return self.model_copy(update={"readers_wanted": readers})

    def after_label(self, reader: str, label: str, now: datetime) -> Self:
        """The panel with the reader's label.

        Raises:
            InvalidRequestError: the specialty knows no such label.
            TransitionError: the case was adjudicated, or all of its blind readers are in.
        """
        check_label(self.specialty, label)
        if self.adjudication is not None:
            raise TransitionError("The case was adjudicated; its label stands.")
        if self.is_blind and self.is_complete:
            raise TransitionError("All readers that this case asks for have labelled it.")
        labels = {**self.labels, reader: label}
        return self.model_copy(update={"labels": labels})._decided(now)

    def adjudicated(self, by: str, label: str, reason: str, now: datetime) -> Self:
        """The panel with its dispute settled.

        Raises:
            InvalidRequestError: the specialty knows no such label.
            ForbiddenError: who settles it is one of those who disagree.
            TransitionError: there is no dispute.
        """
        check_label(self.specialty, label)
        if self.state is not PanelState.DISPUTED:
            raise TransitionError("There is no disagreement to settle: the case's labels are not disputed.")
        if by in self.labels:
            raise ForbiddenError("A reader of the case cannot settle the disagreement about it.")
        settled = Adjudication(by=by, at=now, label=label, reason=reason)
        return self.model_copy(update={"adjudication": settled})._decided(now)

    def _decided(self, now: datetime) -> Self:
        label = next(iter(self.labels.values())) if self.state is PanelState.AGREED else None
        if self.adjudication is not None:
            label = self.adjudication.label
        return self.model_copy(update={"training_label": label, "decided_at": now if label else None})
