"""Patients over HTTP."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from clinic_api.schemas.auth import Email, Request
from clinic_api.schemas.images import PATIENT_ID_EXAMPLE
from clinic_api.schemas.people import PERSON_ID_EXAMPLE
from triagelens.domain.patients import NUMBER_PATTERN, Gender, Patient, PatientDetails, age_on
from triagelens.services.patients import NewPatient
from triagelens.services.ports import Page

PatientName = Annotated[str, Field(min_length=1, max_length=200, examples=["Ada Lovelace"])]
PatientNumber = Annotated[
    str,
    Field(
        pattern=NUMBER_PATTERN,
        description="For people to say aloud; unique, whatever its case",
        examples=["04718293"],
    ),
]
BirthDate = Annotated[date, Field(ge=date(1880, 1, 1), examples=["1985-12-10"])]
Age = Annotated[int, Field(ge=0, le=150, description="In years", examples=[40])]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ()/.-]{3,32}$", examples=["+49 30 901820"])]
Address = Annotated[str, Field(min_length=1, max_length=500, examples=["1 Main Street, Springfield"])]


class _Details(Request):
    email: Email | None = None
    birth_date: BirthDate | None = None
    age: Age | None = Field(
        default=None, examples=[None], description="Where nobody knows the birth date; never both"
    )
    gender: Gender | None = None
    phone: Phone | None = None
    address: Address | None = None

    @model_validator(mode="after")
    def _one_age(self) -> Self:
        if self.birth_date is not None and self.age is not None:
            raise ValueError("tell the birth date or the age, not both")
        return self


class PatientRequest(_Details):
    """A new patient. Without `number` the record gets one."""

    name: PatientName
    number: PatientNumber | None = None
    invite: bool = Field(
        default=False, description="Whether to make an account and mail its first password to `email`"
    )

    def new_patient(self) -> NewPatient:
        details = PatientDetails.model_validate(self.model_dump(exclude={"number", "invite"}))
        return NewPatient(details, self.number, self.invite)


class PatientAmendmentRequest(_Details):
    """What is to be different. Null clears all but name and number; what is not there stays as it is."""

    name: PatientName = Field(default="", description="Never null")
    number: PatientNumber = Field(default="", description="Never null")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field")
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(include=self.model_fields_set)


class PatientResponse(BaseModel):
    """A patient's record."""

    patient_id: str = Field(examples=[PATIENT_ID_EXAMPLE])
    number: str = Field(description="For people to say aloud", examples=["04718293"])
    name: str = Field(examples=["Ada Lovelace"])
    email: str | None = None
    birth_date: date | None = None
    age: int | None = Field(default=None, description="Full years today, or as it was told")
    gender: Gender | None = None
    phone: str | None = None
    address: str | None = None
    username: str | None = Field(default=None, description="Of the patient's own account, if there is one")
    owner: str = Field(description="Opaque id of who made the record", examples=[PERSON_ID_EXAMPLE])
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="What the `ETag` says, in quotes", examples=[1])

    @classmethod
    def of(cls, patient: Patient, now: datetime) -> Self:
        details, account = patient.details.model_dump(), patient.account
        if patient.details.birth_date is not None:
            details["age"] = age_on(now.date(), patient.details.birth_date)
        username = account.username if account is not None and account.sub is not None else None
        shown = patient.model_dump(exclude={"details", "account"})
        return cls.model_validate({**shown, **details, "username": username})


class PatientList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[PatientResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Patient], now: datetime) -> Self:
        return cls(items=[PatientResponse.of(patient, now) for patient in page.items], cursor=page.cursor)
