"""What people think of the platform itself."""

from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.feedback import Feedback
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person
from triagelens.services.journal import Journal
from triagelens.services.ports import Clock, Page

# As many as one call takes away; a call has 29 seconds.
MOST_REMOVED = 200


class FeedbackRecords(Protocol):
    """One person's feedback each."""

    def feedback(self, person: str) -> Feedback | None:
        """What they said, if anything; read consistently."""

    def page(self, limit: int, cursor: str | None) -> Page[Feedback]:
        """Everybody's, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def write(self, feedback: Feedback) -> Feedback:
        """Writes a person's first feedback, or over the version it was read at.

        Raises:
            ConflictError: they have just given another.
        """

    def remove(self, person: str) -> None:
        """Takes a person's feedback away, if there is any."""


@dataclass(frozen=True)
class Removed:
    """How many were taken away, and whether some are left."""

    count: int
    more: bool


@dataclass(frozen=True)
class Feedbacks:
    """Everybody gives their own; admins read and reset all."""

    records: FeedbackRecords
    clock: Clock
    journal: Journal

    def of(self, person: Person) -> Feedback | None:
        """The person's own, if they gave any."""
        return self.records.feedback(person.sub)

    def give(self, person: Person, rating: int, text: str | None) -> Feedback:
        """The person's feedback, in place of an earlier one.

        Raises:
            ConflictError: they have just given another.
        """
        old = self.records.feedback(person.sub)
        return self.records.write(
            Feedback(
                feedback_id=new_id(),
                person=person.sub,
                rating=rating,
                text=text,
                submitted_at=self.clock(),
                version=old.version if old else None,
            )
        )

    def page(self, limit: int, cursor: str | None) -> Page[Feedback]:
        """Everybody's, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        return self.records.page(limit, cursor)

    def reset(self, admin: Person) -> Removed:
        """Takes feedback away, so that everybody is asked anew; again until none is left."""
        self.journal.write(admin.sub, "feedback.reset", "feedback")
        page = self.records.page(MOST_REMOVED, None)
        for feedback in page.items:
            self.records.remove(feedback.person)
        return Removed(len(page.items), page.cursor is not None)
