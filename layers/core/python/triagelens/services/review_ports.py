"""What the review queue needs from the outside."""

from collections.abc import Sequence
from typing import Protocol

from triagelens.domain.cases import Case
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import Prediction
from triagelens.domain.review import ReviewItem, Strategy
from triagelens.services.ports import Page


class ReviewRecords(Protocol):
    """Cases that wait for a reader, sorted by how little the model is certain of them."""

    def undecided_case_of(self, image_id: str) -> str | None:
        """The undecided case that an image is in, if any."""

    def findings(self, image_ids: Sequence[str]) -> list[tuple[str, Prediction]]:
        """The findings, with their features, of those images that are analysed."""

    def place(self, case: Case, panel: Panel, item: ReviewItem | None) -> bool:
        """Puts the case into the queue as `item`, or takes it out if that is None.

        Returns:
            False, and nothing is changed, if case or panel are no longer as they were read.
        """

    def first(self, specialty: str, strategy: Strategy, limit: int, cursor: str | None) -> Page[ReviewItem]:
        """Those of which the model is least certain; `diverse` sorts like `margin`.

        Reads no more than `limit` items. Who was labelled a moment ago may still be among them.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def cases(self, case_ids: Sequence[str]) -> dict[str, Case]:
        """Those of the cases that there are, by id; read consistently."""
