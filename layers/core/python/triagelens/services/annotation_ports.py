"""What annotations and forms need from the outside."""

from typing import Protocol

from triagelens.domain.annotations import Annotation, Shapes
from triagelens.domain.cases import HistoryEntry
from triagelens.domain.forms import PatientForm
from triagelens.services.ports import Page


class AnnotationRecords(Protocol):
    """Annotations with all their revisions. Every change comes with its entry in the history."""

    def annotation(self, case_id: str, annotation_id: str, revision: int | None = None) -> Annotation:
        """That revision, or the latest one.

        Raises:
            NotFoundError: the case has none such.
        """

    def annotations(self, case_id: str, limit: int, cursor: str | None) -> Page[Annotation]:
        """The latest revision of each, the latest annotation first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def write(self, annotation: Annotation, entry: HistoryEntry) -> None:
        """Writes the next revision.

        Raises:
            OutdatedError: there is such a revision already.
        """


class ShapeFiles(Protocol):
    """Shapes too large for a record, in the images bucket."""

    def write(self, key: str, shapes: Shapes) -> None: ...

    def read(self, key: str) -> Shapes:
        """Raises NotFoundError if they are gone."""


class FormRecords(Protocol):
    """Patients' forms, one for each case."""

    def form(self, case_id: str) -> PatientForm | None:
        """The case's form, if it has one; read consistently."""

    def write_form(self, form: PatientForm, entry: HistoryEntry) -> PatientForm:
        """Writes a case's first form, or over the version it was read at.

        Raises:
            OutdatedError: the stored form has changed since.
        """
