"""The form that goes with a case: what a patient was asked when the photo was taken."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.patients import Gender

MOST_SYMPTOMS = 30
MOST_ANSWERS = 50
# As JSON: a form and the one before it go into one entry of the history, and an item holds 400 KB.
MOST_BYTES = 100_000
Words = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=4_000)]


class Habit(StrEnum):
    NEVER = "never"
    FORMER = "former"
    CURRENT = "current"
    UNKNOWN = "unknown"


class FormAnswers(BaseModel):
    """What was asked. All but the consent is optional; who has a record as patient needs no name here.

    Attributes:
        reference: what the clinic calls the form.
        age: in years.
        duration_days: how long there has been something to see.
        site: where on the body it is.
        answers: whatever else a clinic asks, by question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    consent: bool
    reference: Words | None = None
    name: Words | None = None
    birth_date: date | None = None
    age: int | None = Field(default=None, ge=0, le=130)
    gender: Gender | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    address: Annotated[str, Field(max_length=500)] | None = None
    complaint: Text | None = None
    symptoms: tuple[Words, ...] = Field(default=(), max_length=MOST_SYMPTOMS)
    duration_days: int | None = Field(default=None, ge=0, le=50_000)
    site: Words | None = None
    tobacco: Habit | None = None
    areca_nut: Habit | None = None
    alcohol: Habit | None = None
    medical_history: Text | None = None
    family_history: Text | None = None
    answers: dict[Words, Annotated[str, Field(max_length=2_000)]] = Field(default={}, max_length=MOST_ANSWERS)


class PatientForm(BaseModel):
    """A case's form, with the image that was taken with it. Former ones are in the case's history.

    Attributes:
        image_id: one of the case's images.
        version: optimistic lock of the stored item.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    case_id: str
    image_id: str
    answers: FormAnswers
    submitted_by: str
    submitted_at: datetime
    updated_at: datetime
    version: int | None = None
