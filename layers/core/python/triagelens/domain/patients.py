"""A patient: who they are, how to reach them, and the account they may have."""

import hashlib
import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.people import Action, Person

GENERATED_DIGITS = 8
NUMBER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9./-]{0,31}$"


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class _Part(BaseModel):
    # A record that does not parse must not spill what it holds into a log.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class PatientDetails(_Part):
    """What the clinic knows of a patient. Of birth date and age there is at most one.

    Attributes:
        age: in years, as it was told where nobody knows the birth date.
    """

    name: str
    email: str | None = None
    birth_date: date | None = None
    age: int | None = None
    gender: Gender | None = None
    phone: str | None = None
    address: str | None = None

    def changed(self, changes: dict[str, Any]) -> Self:
        """The details with `changes`; a birth date takes the place of an age, and the other way round.

        Raises:
            InvalidRequestError: birth date and age come together.
        """
        told = {name for name in ("birth_date", "age") if changes.get(name) is not None}
        if len(told) > 1:
            raise InvalidRequestError("Tell the birth date or the age, not both.")
        if told:
            changes = {"birth_date": None, "age": None, **{name: changes[name] for name in told}} | {
                name: value for name, value in changes.items() if name not in ("birth_date", "age")
            }
        return self.model_copy(update=changes)


class LinkedAccount(_Part):
    """The account that a patient was invited to.

    Attributes:
        address_digest: of the address that the invitation went to; no two patients share one.
        sub: None until the account is known to be made. Sending the same request again completes it.
    """

    username: str
    address_digest: str
    sub: str | None = None


class Patient(_Part):
    """A patient's record.

    Attributes:
        number: for people to say aloud; unique in the deployment.
        owner: `sub` of who made the record.
        correlation_id: of the request that changed the record last.
        version: optimistic lock of the stored item.
    """

    patient_id: str
    number: str
    owner: str
    details: PatientDetails
    account: LinkedAccount | None = None
    created_at: datetime
    updated_at: datetime
    updated_by: str
    correlation_id: str
    version: int | None = None

    def is_worked_on_by(self, person: Person) -> bool:
        """Whether `person` may change the record and add to it."""
        if person.may(Action.SEE_ALL_PATIENTS):
            return True
        return person.may(Action.WORK_ON_PATIENTS) and person.sub == self.owner

    def is_visible_to(self, person: Person) -> bool:
        """Whether `person` works on the record, or is the patient."""
        return self.is_worked_on_by(person) or (self.account is not None and self.account.sub == person.sub)


def digest_of_address(email: str) -> str:
    """SHA-256 of an e-mail address in lower case: tells equal addresses without being one."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def username_of(patient_id: str) -> str:
    """The username that a patient is invited by. The same for every try."""
    return f"patient-{patient_id[-12:]}"


def new_number() -> str:
    """A patient number by chance: it tells neither how many patients there are nor who came before."""
    return f"{secrets.randbelow(10**GENERATED_DIGITS):0{GENERATED_DIGITS}d}"


def age_on(day: date, birth_date: date) -> int:
    """Full years of life."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (0 if had_birthday else 1)
