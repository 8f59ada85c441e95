"""Answers of the API about patients."""

from datetime import date, datetime

from triagelens_client.models import Answer


class Patient(Answer):
    """A patient's record as it was when it was read.

    Attributes:
        number: for people to say aloud.
        age: full years, or as it was told.
        username: of the patient's own account, if there is one.
        owner: opaque id of who made the record.
        version: changes are made to this version, and refused if the record has another one by then.
    """

    patient_id: str
    number: str
    name: str
    email: str | None = None
    birth_date: date | None = None
    age: int | None = None
    gender: str | None = None
    phone: str | None = None
    address: str | None = None
    username: str | None = None
    owner: str
    created_at: datetime
    updated_at: datetime
    version: int
