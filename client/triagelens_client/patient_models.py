"""Answers of the API about patients."""

from datetime import date, datetime

from triagelens_client.models import Answer


class Erasure(Answer):
    """The receipt of an erasure, as far as it has come: `running`, `done`, `swept`.

    Attributes:
        images, cases, reports: how many were erased.
        kept_cases: cases of other patients that held one of the images.
        snapshots, models: what has learnt from the images.
        account_removed: False: the account has another role by now, and stays; None: there was none.
    """

    erasure_id: str
    patient_id: str
    status: str
    requested_by: str
    begun_at: datetime
    done_at: datetime | None = None
    swept_at: datetime | None = None
    images: int = 0
    cases: int = 0
    reports: int = 0
    kept_cases: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    account_removed: bool | None = None


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
