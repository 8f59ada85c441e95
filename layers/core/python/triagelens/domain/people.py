"""People and what they may do."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict


class Role(StrEnum):
    PATIENT = "patient"
    GP = "gp"
    DOCTOR = "doctor"
    RESEARCHER = "researcher"
    ADMIN = "admin"


class Action(StrEnum):
    """What not everybody may do. Everybody may see and change what is their own."""

    SEE_ALL_IMAGES = "see_all_images"
    RETRY_IMAGES = "retry_images"
    WORK_ON_CASES = "work_on_cases"
    SEE_ALL_CASES = "see_all_cases"
    READ_CASES = "read_cases"
    MEASURE_READERS = "measure_readers"
    SEE_FEEDBACK = "see_feedback"
    SEE_STATISTICS = "see_statistics"
    EXPORT = "export"
    EXPORT_PEOPLE = "export_people"
    SEE_ALL_EXPORTS = "see_all_exports"
    WORK_ON_PATIENTS = "work_on_patients"
    SEE_ALL_PATIENTS = "see_all_patients"
    ERASE_PATIENTS = "erase_patients"
    SEE_MODELS = "see_models"
    MANAGE_MODELS = "manage_models"
    TRAIN = "train"
    MANAGE_DATASETS = "manage_datasets"
    MANAGE_PEOPLE = "manage_people"
    READ_AUDIT = "read_audit"
    MANAGE_WEBHOOKS = "manage_webhooks"
    TAKE_OVER = "take_over"


# The one table of who may do what. `clinic_api.deps.access` enforces it, and nothing else does.
MAY: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.SEE_ALL_IMAGES: frozenset({Role.DOCTOR, Role.ADMIN}),
        Action.RETRY_IMAGES: frozenset({Role.ADMIN}),
        Action.WORK_ON_CASES: frozenset({Role.GP, Role.DOCTOR, Role.ADMIN}),
        Action.SEE_ALL_CASES: frozenset({Role.DOCTOR, Role.ADMIN}),
        Action.READ_CASES: frozenset({Role.DOCTOR, Role.ADMIN}),
        Action.MEASURE_READERS: frozenset({Role.ADMIN}),
        Action.SEE_FEEDBACK: frozenset({Role.ADMIN}),
        Action.SEE_STATISTICS: frozenset({Role.RESEARCHER, Role.ADMIN}),
        Action.EXPORT: frozenset({Role.RESEARCHER, Role.ADMIN}),
        Action.EXPORT_PEOPLE: frozenset({Role.ADMIN}),
        Action.SEE_ALL_EXPORTS: frozenset({Role.ADMIN}),
        Action.WORK_ON_PATIENTS: frozenset({Role.GP, Role.DOCTOR, Role.ADMIN}),
        Action.SEE_ALL_PATIENTS: frozenset({Role.DOCTOR, Role.ADMIN}),
        Action.ERASE_PATIENTS: frozenset({Role.DOCTOR, Role.ADMIN}),
        Action.SEE_MODELS: frozenset({Role.GP, Role.DOCTOR, Role.RESEARCHER, Role.ADMIN}),
        Action.MANAGE_MODELS: frozenset({Role.ADMIN}),
        Action.TRAIN: frozenset({Role.RESEARCHER, Role.ADMIN}),
        Action.MANAGE_DATASETS: frozenset({Role.RESEARCHER, Role.ADMIN}),
        Action.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
        Action.READ_AUDIT: frozenset({Role.ADMIN}),
        Action.MANAGE_WEBHOOKS: frozenset({Role.ADMIN}),
        Action.TAKE_OVER: frozenset({Role.ADMIN}),
    }
)
# Who sees other people's data or changes the platform shows a second factor in production.
NEEDS_SECOND_FACTOR = frozenset({Role.DOCTOR, Role.ADMIN})


SHORTEST_PASSWORD = 12


def missing_from_password(password: str) -> list[str]:
    """What a password still lacks by the rules of the user pool, in words; empty if it is good."""
    symbols = [character for character in password if not character.isalnum() and not character.isspace()]
    rules = {
        f"at least {SHORTEST_PASSWORD} characters": len(password) >= SHORTEST_PASSWORD,
        "a lower-case letter": any(character.islower() for character in password),
        "an upper-case letter": any(character.isupper() for character in password),
        "a digit": any(character.isdigit() for character in password),
        "a symbol": bool(symbols),
    }
    return [rule for rule, kept in rules.items() if not kept]


class Person(BaseModel):
    """A person's record: the only authority on role and standing.

    Attributes:
        sub: opaque id from the identity provider.
        valid_after: access tokens issued before this moment no longer count.
        second_factor: whether they have set up an authenticator app.
        last_name: which last part of `name` is it, where a former system knew; None where nobody did.
        patient_id: the patient that this person is, if they were invited as one.
        mail: whether they are told by e-mail what is ready; codes and invitations come in any case.
    """

    model_config = ConfigDict(frozen=True)

    sub: str
    username: str
    role: Role
    disabled: bool = False
    valid_after: datetime | None = None
    second_factor: bool = False
    email: str | None = None
    name: str | None = None
    last_name: str | None = None
    patient_id: str | None = None
    mail: bool = True
    created_at: datetime
    version: int | None = None

    @property
    def needs_second_factor(self) -> bool:
        return self.role in NEEDS_SECOND_FACTOR

    @property
    def lacks_second_factor(self) -> bool:
        return self.needs_second_factor and not self.second_factor

    def may(self, action: Action) -> bool:
        return self.role in MAY[action]
