"""Answers of the API about reading cases: the queue, panels, annotations, forms, feedback."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from triagelens_client.models import Answer


class Candidate(Answer):
    """A case that waits for one's label; each figure is that of its least certain image."""

    case_id: str
    number: int
    image_id: str
    score: float
    margin: float
    entropy: float
    confidence: float
    readers_wanted: int
    readers_in: int


class ReviewQueue(Answer):
    """What to read next, the least certain first."""

    specialty: str
    strategy: str
    selection_method: str
    description: str
    items: tuple[Candidate, ...]
    cursor: str | None = None


class CaseAgreement(Answer):
    """How far the reading of a case has come, and once all readers are in whether they agree.

    Attributes:
        state: `reading`, `agreed`, `disputed` or `adjudicated`.
        training_label: what the case teaches, once that is decided.
        observed: share of pairs of readers that agree.
        labels: how many readers gave which label.
    """

    readers_wanted: int
    readers_in: int
    state: str
    training_label: str | None = None
    adjudicated_by: str | None = None
    observed: float | None = None
    labels: Mapping[str, int] | None = None


class AgreementFigures(Answer):
    """Agreement beyond chance; kappa is None where chance alone agrees always."""

    cases: int
    observed: float
    expected: float
    kappa: float | None = None


class PairAgreement(AgreementFigures):
    """Cohen's kappa of two readers."""

    readers: tuple[str, str]


class PanelAgreement(AgreementFigures):
    """Fleiss' kappa of all panels of as many readers."""

    readers: int


class Agreement(Answer):
    """How well the blind readers of a specialty agree."""

    specialty: str
    cohen: tuple[PairAgreement, ...]
    fleiss: tuple[PanelAgreement, ...]


class ReaderAccuracy(Answer):
    """How often a reader was right on gold cases."""

    reader: str
    read: int
    right: int
    accuracy: float


class ReaderAccuracies(Answer):
    """Every reader of a specialty's gold cases."""

    specialty: str
    readers: tuple[ReaderAccuracy, ...]


class AnnotationSummary(Answer):
    """An annotation without its shapes. `revision` is what a change is made to."""

    annotation_id: str
    image_id: str
    image_index: int
    width: int
    height: int
    author: str
    correct_label: str | None = None
    shape_count: int
    revision: int
    created_at: datetime
    updated_at: datetime


class Annotation(AnnotationSummary):
    """An annotation; coordinates are pixels of the working image."""

    strokes: Sequence[Mapping[str, Any]] = ()
    boxes: Sequence[Mapping[str, Any]] = ()
    polygons: Sequence[Mapping[str, Any]] = ()


class ImportedAnnotations(Answer):
    """What an import made."""

    items: tuple[AnnotationSummary, ...]


class PatientForm(Answer):
    """A case's form. `version` is what a change is made to."""

    case_id: str
    image_id: str
    form: Mapping[str, Any]
    submitted_by: str
    submitted_at: datetime
    updated_at: datetime
    version: int


class Feedback(Answer):
    """One person's feedback."""

    feedback_id: str
    person: str
    rating: int
    text: str | None = None
    submitted_at: datetime


class FeedbackStatus(Answer):
    """Whether one has given feedback, and what one said."""

    given: bool
    feedback: Feedback | None = None


class FeedbackReset(Answer):
    """What one call of a reset took away."""

    removed: int
    more: bool
