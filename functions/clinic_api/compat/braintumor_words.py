"""The words of the brain tumour system: a tumour, or none; and how its portals name a patient."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from triagelens.domain.abstention import ModelDecision
from triagelens.domain.prediction import Prediction
from triagelens.domain.specialties import specialty

SPECIALTY = "brain"
NO_TUMOUR = "no_tumour"
TUMOURS = frozenset(specialty(SPECIALTY).label_names) - {NO_TUMOUR}


def told(value: Any) -> Any:
    """Forms send an empty text for nothing, and some apps send ids as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if value == "" else value


NamedPatient = Annotated[
    str, BeforeValidator(told), Field(min_length=1, max_length=64, description="A patient's id or number")
]
Word = Literal["Tumor", "No Tumor", "Inconclusive"]


def word_for(prediction: Prediction) -> Word:
    """The former word for a finding; a third one where the model says that it does not know."""
    if prediction.decision is ModelDecision.ABSTAIN:
        return "Inconclusive"
    return "Tumor" if prediction.top_label in TUMOURS else "No Tumor"


def tumours(counts: Mapping[str, int]) -> int:
    """How many of the findings, counted by label, are a tumour."""
    return sum(count for label, count in counts.items() if label in TUMOURS)
