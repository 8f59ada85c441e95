"""People in the brain tumour system's portals: how they sign in, and patients' records."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from clinic_api.compat.braintumor_words import told
from clinic_api.schemas.auth import Code, Email, Password, Username
from clinic_api.schemas.patients import Address, Age, PatientName, PatientNumber, Phone
from triagelens.domain.errors import SignInError
from triagelens.domain.patients import Gender, Patient, PatientDetails, age_on
from triagelens.domain.people import Person, Role
from triagelens.services.identity_ports import Tokens
from triagelens.services.patients import NewPatient
from triagelens.services.ports import Page

STAFF = frozenset(Role) - {Role.PATIENT}
PATIENTS = frozenset({Role.PATIENT})
NO_DEFAULT_TEXT = (
    "There is no default admin. Sign up, and have an engineer make you the first admin: "
    "python -m clinic_api.grant NAME admin."
)


class NoDefaultAdminError(SignInError):
    """Somebody tried the password that every former installation had."""

    code = "no_default_admin"


def _small(value: Any) -> Any:
    value = told(value)
    return value.lower() if isinstance(value, str) else value


Nothing = BeforeValidator(told)


class _Sent(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Login(_Sent):
    """Name and password, and whatever the account needs beyond them."""

    username: Username
    password: Password
    code: Code | None = None
    new_password: Password | None = None

    @property
    def proof(self) -> tuple[str, str, str | None, str | None]:
        """Name, password, code and new password, as a sign-in takes them."""
        new = self.new_password.get_secret_value() if self.new_password else None
        return self.username, self.password.get_secret_value(), self.code, new

    @property
    def is_the_former_default(self) -> bool:
        return (self.username, self.password.get_secret_value()) == ("admin", "admin")


class _Entered(BaseModel):
    success: bool = True
    message: str = "Login successful"
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # a kind of token, and none
    expires_in: int

    @classmethod
    def with_tokens(cls, tokens: Tokens, **who: Any) -> Self:
        return cls(access_token=tokens.access_token, expires_in=tokens.expires_in_s, **who)


class AdminShape(BaseModel):
    id: str
    username: str
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls(id=person.sub, username=person.username, role=person.role, created_at=person.created_at)


class PatientShape(BaseModel):
    """A patient. `patient_id` is the number for people; every route takes it in the place of `id`."""

    id: str
    patient_id: str
    name: str
    email: str | None
    age: int | None
    gender: str | None
    phone: str | None
    address: str | None
    username: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, patient: Patient, now: datetime) -> Self:
        details, account = patient.details, patient.account
        born = details.birth_date
        return cls(
            id=patient.patient_id,
            patient_id=patient.number,
            name=details.name,
            email=details.email,
            age=details.age if born is None else age_on(now.date(), born),
            gender=None if details.gender is None else details.gender.capitalize(),
            phone=details.phone,
            address=details.address,
            username=account.username if account is not None and account.sub is not None else None,
            created_at=patient.created_at,
            updated_at=patient.updated_at,
        )


class AdminEntered(_Entered):
    admin: AdminShape


class PatientEntered(_Entered):
    """`patient` is null of somebody who signed up without being a patient of the clinic yet."""

    patient: PatientShape | None


class PatientToAdd(_Sent):
    """A new patient. Who has an e-mail address is invited by it."""

    name: PatientName
    patient_id: Annotated[PatientNumber | None, Nothing] = None
    email: Annotated[Email | None, Nothing] = None
    age: Annotated[Age | None, Nothing] = None
    gender: Annotated[Gender | None, BeforeValidator(_small)] = None
    phone: Annotated[Phone | None, Nothing] = None
    address: Annotated[Address | None, Nothing] = None

    def new_patient(self) -> NewPatient:
        details = PatientDetails.model_validate(self.model_dump(exclude={"patient_id"}))
        return NewPatient(details, self.patient_id, invite=self.email is not None)


class OnePatient(BaseModel):
    success: bool = True
    message: str | None = None
    patient: PatientShape


class PatientsPage(BaseModel):
    """Newest first. Ask again with `cursor` until it is null."""

    success: bool = True
    patients: list[PatientShape]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[Patient], now: datetime) -> Self:
        return cls(patients=[PatientShape.of(patient, now) for patient in page.items], cursor=page.cursor)
