"""What the brain tumour system's portals send and read: people, patients, counts, errors."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict
from starlette.responses import JSONResponse, Response

from clinic_api.compat.braintumor_scans import NO_TUMOUR, told, tumours
from clinic_api.errors import Refusal
from clinic_api.schemas.auth import Code, Email, Password, Username
from clinic_api.schemas.patients import Address, Age, PatientName, PatientNumber, Phone
from triagelens.domain.errors import SignInError
from triagelens.domain.images import ImageStatus
from triagelens.domain.patients import Gender, Patient, PatientDetails, age_on
from triagelens.domain.people import Person, Role
from triagelens.domain.statistics import SpecialtyCounts
from triagelens.services.identity_ports import Tokens
from triagelens.services.patients import NewPatient
from triagelens.services.ports import Page

STAFF = frozenset(Role) - {Role.PATIENT}
PATIENTS = frozenset({Role.PATIENT})
SIGN_IN_TEXT = (
    "Sign in with POST /api/patient/login or POST /api/admin/login, and send its access_token as "
    "`Authorization: Bearer ...`."
)
NO_DEFAULT_TEXT = (
    "There is no default admin. Sign up, and have an engineer make you the first admin: "
    "python -m clinic_api.grant NAME admin."
)
# The former API knew 400, 401, 403, 404 and 500. What has no use for a status of its own goes by these.
STATUSES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT: HTTPStatus.BAD_REQUEST,
}


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


class Counts(BaseModel):
    """Counts of the brain's images by the platform's own findings, whoever's they are."""

    total_scans: int
    tumor_count: int
    no_tumor_count: int

    @classmethod
    def of(cls, counts: SpecialtyCounts) -> Self:
        return cls(
            total_scans=counts.images.get(ImageStatus.ANALYZED, 0),
            tumor_count=tumours(counts.classes),
            no_tumor_count=counts.classes.get(NO_TUMOUR, 0),
        )


class Dashboard(BaseModel):
    success: bool = True
    stats: Counts


class Health(BaseModel):
    success: bool = True
    status: str = "healthy"
    timestamp: datetime


def refused(refusal: Refusal) -> Response:
    """An error: a sentence, a code in capitals, and what helps further where there is more to say."""
    body: dict[str, Any] = {"success": False, "error": refusal.detail, "code": refusal.code.upper()}
    if refusal.challenge is not None:
        body["details"] = refusal.challenge
        return JSONResponse(body, HTTPStatus.UNAUTHORIZED)
    if refusal.errors:
        body["details"] = "; ".join(f"{e.pointer or e.parameter}: {e.message}" for e in refusal.errors)
    elif refusal.status is HTTPStatus.UNAUTHORIZED and refusal.code == "unauthenticated":
        body["details"] = SIGN_IN_TEXT
    return JSONResponse(body, STATUSES.get(refusal.status, refusal.status), refusal.headers)
