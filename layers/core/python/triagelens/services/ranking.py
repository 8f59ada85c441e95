"""Keeping the review queue as the cases are."""

from dataclasses import dataclass

from triagelens.domain.errors import NotFoundError, UnavailableError
from triagelens.domain.review import review_item
from triagelens.services.case_ports import CaseRecords
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.review_ports import ReviewRecords

TRIES = 5


@dataclass(frozen=True)
class Ranking:
    """Places cases by what is stored of them, so that news may come late, twice or in any order."""

    cases: CaseRecords
    panels: PanelRecords
    review: ReviewRecords

    def image_analysed(self, image_id: str) -> None:
        """Places the undecided case that the image is in, if there is one."""
        case_id = self.review.undecided_case_of(image_id)
        if case_id is not None:
            self.place(case_id)

    def place(self, case_id: str) -> None:
        """Puts the case where it belongs in the queue, or takes it out. A case that is gone has no place.

        Raises:
            UnavailableError: it changed again and again meanwhile.
        """
        for _ in range(TRIES):
            try:
                case = self.cases.case(case_id)
            except NotFoundError:
                return
            panel = self.panels.panel(case)
            item = review_item(case, panel, self.review.findings(case.image_ids))
            if self.review.place(case, panel, item):
                return
        raise UnavailableError("The case changes too often to be placed; try again.", retry_after_s=1)
