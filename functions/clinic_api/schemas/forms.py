"""Patients' forms over HTTP."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.forms import FormAnswers, PatientForm

FORM_EXAMPLE = {
    "consent": True,
    "age": 54,
    "gender": "female",
    "complaint": "A white patch that does not go away",
    "symptoms": ["burning"],
    "duration_days": 60,
    "site": "left cheek",
    "tobacco": "current",
    "areca_nut": "never",
    "alcohol": "former",
    "answers": {"Dentures?": "no"},
}


class PatientFormRequest(BaseModel):
    """What the patient was asked, and the image that was taken with it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    image_index: Annotated[
        int, Field(ge=0, le=1_000, description="Place of the image in the case, counted from 0", examples=[0])
    ] = 0
    form: FormAnswers = Field(examples=[FORM_EXAMPLE])


class PatientFormResponse(BaseModel):
    """A case's form. Former ones are in the case's history."""

    case_id: str
    image_id: str
    form: FormAnswers = Field(examples=[FORM_EXAMPLE])
    submitted_by: str = Field(description="Opaque id of who sent it last")
    submitted_at: datetime
    updated_at: datetime
    version: int = Field(description="What the `ETag` says, in quotes", examples=[1])

    @classmethod
    def of(cls, form: PatientForm) -> Self:
        shown = form.model_dump(include=set(cls.model_fields) - {"form"})
        return cls.model_validate({**shown, "form": form.answers})
