"""What panels of readers need from the outside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from triagelens.domain.cases import Case, HistoryEntry
from triagelens.domain.panels import Panel
from triagelens.services.ports import Page


@dataclass(frozen=True)
class PairCounts:
    """How often the same two readers gave which labels to the same case: (first's, second's) -> cases."""

    readers: tuple[str, str]
    confusion: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class GoldCase:
    """A case whose label is known, and which no reader can tell from others."""

    case_id: str
    specialty: str
    label: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True)
class TrainingCase:
    """A case that teaches something: its label is decided, and nobody has rejected it."""

    case_id: str
    specialty: str
    image_ids: tuple[str, ...]
    patient_id: str | None
    training_label: str
    decided_at: datetime


class PanelRecords(Protocol):
    """Panels, what is counted of them, and gold cases."""

    def panel(self, case: Case) -> Panel:
        """The case's panel, read consistently; that of one reader where none was ever written."""

    def panels(self, case_ids: Sequence[str]) -> dict[str, Panel]:
        """The panels of these cases that were ever written, by case id; read consistently."""

    def write_panel(self, panel: Panel, entry: HistoryEntry) -> Panel:
        """Writes the panel over the version it was read at.

        Raises:
            ConflictError: the stored panel has changed since.
            TransitionError: the case was rejected.
        """

    def disputed(self, specialty: str, limit: int, cursor: str | None) -> Page[Panel]:
        """Panels that wait for somebody to settle them, the oldest cases first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def pair_counts(self, specialty: str) -> Sequence[PairCounts]:
        """Of complete panels of two blind readers, by pair."""

    def patterns(self, specialty: str) -> Mapping[int, Sequence[tuple[Sequence[str], int]]]:
        """Of complete blind panels: number of readers -> (a case's labels, how many cases got these)."""

    def set_gold(self, gold: GoldCase) -> None:
        """Makes a case a gold case, or gives it another known label."""

    def remove_gold(self, case_id: str) -> None:
        """Makes it a case like others.

        Raises:
            NotFoundError: it is one already.
        """

    def gold_cases(self, specialty: str) -> Iterator[GoldCase]:
        """All of a specialty's, in no particular order."""

    def training_cases(self, specialty: str) -> Iterator[TrainingCase]:
        """Every case of the specialty that teaches something, the newest first."""
