"""What people say about a case: comments, and the labels that readers give."""

from triagelens.domain.cases import LABELLED, Case, Comment, HistoryEntry, ReaderLabel
from triagelens.domain.errors import ForbiddenError, NotFoundError, TransitionError
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.people import Person
from triagelens.services.case_ports import CaseRecords
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.ports import Clock, Page

# Changes by which one blind reader could learn what another one thinks.
TELLING = ("label.", "annotation.")


class Readings:
    """Comments, labels and history of a case that the caller was allowed to see."""

    def __init__(self, records: CaseRecords, panels: PanelRecords, clock: Clock) -> None:
        self._records = records
        self._panels = panels
        self._clock = clock

    def comments(self, case: Case, limit: int, cursor: str | None) -> Page[Comment]:
        """Newest first."""
        return self._records.comments(case.case_id, limit, cursor)

    def comment(self, person: Person, case: Case, text: str) -> Comment:
        """A new comment."""
        new = Comment(
            comment_id=new_id(), case_id=case.case_id, author=person.sub, text=text, created_at=self._clock()
        )
        return self._records.write_comment(new, self._entry(person, case, "comment.add", after=_said(new)))

    def edit_comment(self, person: Person, case: Case, comment_id: str, text: str) -> Comment:
        """The comment with another text; the former one stays in the history.

        Raises:
            NotFoundError: the case has no such comment.
            ForbiddenError: somebody else wrote it.
            ConflictError: it has just been edited otherwise.
        """
        if not is_id(comment_id):
            raise NotFoundError("There is no such comment.")
        old = self._records.comment(case.case_id, comment_id)
        if old.author != person.sub:
            raise ForbiddenError("Only its author can edit a comment.")
        new = old.model_copy(update={"text": text, "edited_at": self._clock()})
        entry = self._entry(person, case, "comment.edit", before=_said(old), after=_said(new))
        return self._records.write_comment(new, entry)

    def label(self, person: Person, case: Case, correct_label: str, notes: str | None) -> ReaderLabel:
        """The reader's label, which takes the place of an earlier one of theirs.

        Raises:
            InvalidRequestError: the specialty knows no such label.
            TransitionError: the case was rejected or adjudicated, or all its blind readers are in.
            ConflictError: the case has just been labelled otherwise.
        """
        panel, now = self._panels.panel(case), self._clock()
        after = panel.after_label(person.sub, correct_label, now)
        if case.status not in LABELLED:
            raise TransitionError(f"A case that is {case.status} takes no labels.")
        old = self._records.label(case.case_id, person.sub)
        new = ReaderLabel(
            case_id=case.case_id,
            reader=person.sub,
            correct_label=correct_label,
            notes=notes,
            created_at=old.created_at if old else now,
            updated_at=now,
            version=old.version if old else None,
        )
        before = _thought(old) if old else {}
        entry = self._entry(person, case, "label.set", before=before, after=_thought(new))
        return self._records.write_label(new, panel, after, entry)

    def labels(self, person: Person, case: Case, limit: int, cursor: str | None) -> Page[ReaderLabel]:
        """What each reader takes the case for; as long as blind readers are awaited, only one's own."""
        if self._panels.panel(case).hides_labels:
            own = self._records.label(case.case_id, person.sub)
            return Page([] if own is None else [own], None)
        return self._records.labels(case.case_id, limit, cursor)

    def history(self, person: Person, case: Case, limit: int, cursor: str | None) -> Page[HistoryEntry]:
        """Every change of the case and of what hangs on it, newest first.

        As long as blind readers are awaited, it does not tell what others thought.
        """
        page = self._records.history(case.case_id, limit, cursor)
        if not self._panels.panel(case).hides_labels:
            return page
        return Page([_without_thoughts(entry, person) for entry in page.items], page.cursor)

    def _entry(
        self,
        person: Person,
        case: Case,
        action: str,
        *,
        before: dict[str, str | None] | None = None,
        after: dict[str, str | None],
    ) -> HistoryEntry:
        return HistoryEntry(
            entry_id=new_id(),
            case_id=case.case_id,
            at=self._clock(),
            by=person.sub,
            action=action,
            before=before or {},
            after=after,
        )


def _without_thoughts(entry: HistoryEntry, person: Person) -> HistoryEntry:
    if entry.by == person.sub or not entry.action.startswith(TELLING):
        return entry
    return entry.model_copy(update={"before": {}, "after": {}, "reason": None})


def _said(comment: Comment) -> dict[str, str | None]:
    return {"comment_id": comment.comment_id, "text": comment.text}


def _thought(label: ReaderLabel) -> dict[str, str | None]:
    return {"correct_label": label.correct_label, "notes": label.notes}
