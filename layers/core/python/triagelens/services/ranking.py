"""Keeping the review queue as the cases are, and opening those for review that a model is not sure of."""

from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.cases import Case
from triagelens.domain.errors import NotFoundError, OutdatedError, UnavailableError
from triagelens.domain.panels import Panel
from triagelens.domain.review import opened_for_review, review_item
from triagelens.services.case_ports import CaseRecords
from triagelens.services.ports import Clock
from triagelens.services.review_ports import ReviewRecords

TRIES = 5


class Panels(Protocol):
    """How far the readings of cases have come."""

    def panel(self, case: Case) -> Panel:
        """Who is to read the case, and who has."""


@dataclass(frozen=True)
class Ranking:
    """Places cases by what is stored of them, so that news may come late, twice or in any order."""

    cases: CaseRecords
    panels: Panels
    review: ReviewRecords
    clock: Clock

    def image_analysed(self, image_id: str, correlation_id: str) -> None:
        """Places the undecided case that the image is in. If there is none, the case that is made of the
        image some day brings news of its own."""
        case_id = self.review.undecided_case_of(image_id)
        if case_id is not None:
            self.place(case_id, correlation_id)

    def place(self, case_id: str, correlation_id: str) -> None:
        """Puts the case where it belongs in the queue, or takes it out; an open one of which a finding is
        not to be relied on becomes uncertain. A case that is gone has no place.

        Raises:
            UnavailableError: it changed again and again meanwhile.
        """
        for _ in range(TRIES):
            try:
                case = self.cases.case(case_id)
                findings = self.review.findings(case.image_ids)
                opened = opened_for_review(case, findings, self.clock(), correlation_id)
                if opened is not None:
                    case = self._open(case, opened)
            except OutdatedError:
                continue
            except NotFoundError:
                return
            panel = self.panels.panel(case)
            item = review_item(case, panel, findings)
            if self.review.place(case, panel, item):
                return
        raise UnavailableError("The case changes too often to be placed; try again.", retry_after_s=1)

    def _open(self, case: Case, opened: Case) -> Case:
        """Writes the case as it is opened for review; raises OutdatedError if it has changed since."""
        reason = opened.decision.reason if opened.decision is not None else None
        return self.cases.replace_case(case, opened, opened.entry("case.uncertain", case, reason))
