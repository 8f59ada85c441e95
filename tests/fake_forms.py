"""Patients' forms and people's feedback in memory."""

from dataclasses import dataclass, field

from tests.fakes import page_of
from triagelens.domain.cases import HistoryEntry
from triagelens.domain.errors import ConflictError, OutdatedError
from triagelens.domain.feedback import Feedback
from triagelens.domain.forms import PatientForm
from triagelens.services.ports import Page


@dataclass
class FakeForms:
    """One form for each case, and each change's entry in the history."""

    records: dict[str, PatientForm] = field(default_factory=dict)
    entries: list[HistoryEntry] = field(default_factory=list)

    def form(self, case_id: str) -> PatientForm | None:
        return self.records.get(case_id)

    def write_form(self, form: PatientForm, entry: HistoryEntry) -> PatientForm:
        stored = self.form(form.case_id)
        if (stored.version if stored else None) != form.version:
            raise OutdatedError("The form has changed since it was read.")
        self.entries.append(entry)
        self.records[form.case_id] = form.model_copy(update={"version": (form.version or 0) + 1})
        return self.records[form.case_id]


@dataclass
class FakeFeedback:
    """One person's feedback each."""

    records: dict[str, Feedback] = field(default_factory=dict)

    def feedback(self, person: str) -> Feedback | None:
        return self.records.get(person)

    def page(self, limit: int, cursor: str | None) -> Page[Feedback]:
        newest = sorted(self.records.values(), key=lambda given: given.feedback_id, reverse=True)
        return page_of(newest, limit, cursor, "feedback_id")

    def write(self, feedback: Feedback) -> Feedback:
        stored = self.feedback(feedback.person)
        if (stored.version if stored else None) != feedback.version:
            raise ConflictError("You have just given other feedback; try again.")
        written = feedback.model_copy(update={"version": (feedback.version or 0) + 1})
        self.records[feedback.person] = written
        return written

    def remove(self, person: str) -> None:
        self.records.pop(person, None)
