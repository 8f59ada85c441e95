"""The form that goes with a case."""

from dataclasses import dataclass

from triagelens.domain.cases import Case, HistoryEntry
from triagelens.domain.errors import (
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TooLargeError,
    TransitionError,
)
from triagelens.domain.forms import MOST_BYTES, FormAnswers, PatientForm
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person
from triagelens.services.annotation_ports import FormRecords
from triagelens.services.ports import Clock


@dataclass(frozen=True)
class Forms:
    """Forms of cases that the caller was allowed to see."""

    records: FormRecords
    clock: Clock

    def of(self, case: Case) -> PatientForm:
        """The case's form.

        Raises:
            NotFoundError: it has none.
        """
        form = self.records.form(case.case_id)
        if form is None:
            raise NotFoundError("This case has no form.")
        return form

    def submit(
        self,
        person: Person,
        case: Case,
        image_index: int,
        answers: FormAnswers,
        versions: frozenset[int] | None,
    ) -> PatientForm:
        """The case's form, with its image at that place, counted from 0. A former one stays in the history.

        Args:
            versions: those that the caller has read; None says that there was no form.

        Raises:
            InvalidRequestError: the case has no image there.
            TooLargeError: there is more on the form than a record holds.
            TransitionError: the case is decided.
            OutdatedError: there is a form that the caller has not read.
        """
        if not 0 <= image_index < len(case.image_ids):
            raise InvalidRequestError(f"This case has {len(case.image_ids)} images, counted from 0.")
        check_size(answers)
        if not case.is_undecided:
            raise TransitionError(f"A case that is {case.status} takes no form.")
        old, now = self.records.form(case.case_id), self.clock()
        if (old is None) != (versions is None) or (old is not None and old.version not in (versions or ())):
            raise OutdatedError("The form is not as you read it. Read it again, then decide.")
        form = PatientForm(
            case_id=case.case_id,
            image_id=case.image_ids[image_index],
            answers=answers,
            submitted_by=person.sub,
            submitted_at=old.submitted_at if old else now,
            updated_at=now,
            version=old.version if old else None,
        )
        entry = HistoryEntry(
            entry_id=new_id(),
            case_id=case.case_id,
            at=now,
            by=person.sub,
            action="form.submit",
            before=_told(old) if old else {},
            after=_told(form),
        )
        return self.records.write_form(form, entry)


def check_size(answers: FormAnswers) -> None:
    """Makes sure that a record holds the form.

    Raises:
        TooLargeError: it does not.
    """
    if len(answers.model_dump_json().encode()) > MOST_BYTES:
        raise TooLargeError(f"A form may have at most {MOST_BYTES // 1000} KB of text.")


def _told(form: PatientForm) -> dict[str, object]:
    return form.model_dump(mode="json", include={"image_id", "answers"}, exclude_defaults=True)
