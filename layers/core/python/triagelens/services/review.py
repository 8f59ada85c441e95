"""What a reader should look at next."""

from collections.abc import Sequence
from dataclasses import dataclass

from triagelens.domain.cases import LABELLED
from triagelens.domain.panels import Panel
from triagelens.domain.people import Person
from triagelens.domain.review import POOL_FACTOR, ReviewItem, Strategy, k_centres
from triagelens.domain.specialties import specialty
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.ports import Page
from triagelens.services.review_ports import ReviewRecords

# How many times as many items as were asked for are read at most, to get past those already labelled.
READ_FACTOR = 4


@dataclass(frozen=True)
class Candidate:
    """A case that waits for this reader, and how far its reading has come."""

    item: ReviewItem
    panel: Panel


@dataclass(frozen=True)
class ReviewQueue:
    """The cases that a label would teach the model most about."""

    review: ReviewRecords
    panels: PanelRecords

    def top(
        self, person: Person, of_specialty: str, strategy: Strategy, k: int, cursor: str | None
    ) -> Page[Candidate]:
        """At most `k` cases that `person` has not labelled, those first of which the model is least certain.

        A page may hold fewer although there are more; the cursor tells. A diverse batch has no next page:
        once it is labelled, ask again.

        Raises:
            UnknownSpecialtyError, InvalidRequestError: nothing like that can be listed.
        """
        name = specialty(of_specialty).name
        if strategy is Strategy.DIVERSE:
            return Page(self._diverse(person, name, k), None)
        found: list[Candidate] = []
        left = READ_FACTOR * k
        while True:
            page = self.review.first(name, strategy, k - len(found), cursor)
            found += self._waiting(person, page.items)
            left -= len(page.items)
            cursor = page.cursor
            if cursor is None or len(found) == k or left < k:
                return Page(found, cursor)

    def _diverse(self, person: Person, name: str, k: int) -> list[Candidate]:
        """Of the least certain, those that lie far from each other."""
        pool = self.review.first(name, Strategy.DIVERSE, POOL_FACTOR * k, None).items
        waiting = self._waiting(person, pool)
        return k_centres([(candidate, candidate.item.embedding) for candidate in waiting], k)

    def _waiting(self, person: Person, items: Sequence[ReviewItem]) -> list[Candidate]:
        """Those that still wait for a label of the person's: an index lags behind a moment."""
        ids = [item.case_id for item in items]
        cases, panels = self.review.cases(ids), self.panels.panels(ids)
        taking_labels = {case.case_id for case in cases.values() if case.status in LABELLED}
        candidates = [
            Candidate(item, panels.get(item.case_id, Panel(case_id=item.case_id, specialty=item.specialty)))
            for item in items
            if item.case_id in taking_labels
        ]
        return [
            candidate
            for candidate in candidates
            if not candidate.panel.is_complete and person.sub not in candidate.panel.labels
        ]
