"""People, as they see themselves and as admins see them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from clinic_api.schemas.auth import Email, Name, NewUsername, Request
from triagelens.domain.people import Person, Role
from triagelens.services.ports import Page

PERSON_ID_EXAMPLE = "6b1f0f3a-6f5e-4f43-8f0e-2d2b8a4f1c11"


class ProfileChange(Request):
    """What people change about themselves."""

    name: Name | None = Field(
        default=None, description="How others see you; null takes it away", examples=["Ada"]
    )
    mail: bool = Field(
        default=True,
        description="Whether you are told by e-mail what is ready; codes and invitations come in any case",
        examples=[False],
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes:
            raise ValueError("say what to change")
        return self

    @property
    def changes(self) -> Mapping[str, Any]:
        return self.model_dump(exclude_unset=True)


class InvitationRequest(Request):
    """A new person. Their first password goes to the address."""

    username: NewUsername
    email: Email
    role: Role
    name: Name | None = None


class UserChange(Request):
    """What to change; the rest stays."""

    role: Role | None = None
    name: Name | None = None
    disabled: bool | None = Field(
        default=None, description="Whether the person may not come in", examples=[True]
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes:
            raise ValueError("say what to change")
        return self

    @property
    def changes(self) -> Mapping[str, Any]:
        return self.model_dump(exclude_none=True)


class PersonResponse(BaseModel):
    """A person as they see themselves."""

    id: str = Field(examples=[PERSON_ID_EXAMPLE])
    username: str = Field(examples=["ada"])
    role: Role
    email: str | None = None
    name: str | None = None
    created_at: datetime
    patient_id: str | None = Field(default=None, description="Of the patient's record that is theirs")
    mail: bool = Field(default=True, description="Whether they are told by e-mail what is ready")
    second_factor: bool = Field(default=False, description="Whether an authenticator app is set up")

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls.model_validate({**person.model_dump(), "id": person.sub})


class UserResponse(PersonResponse):
    """A person as admins see them."""

    disabled: bool = False


class UserList(BaseModel):
    """One page of people, by role and username. Ask again with `cursor` until it is null."""

    items: list[UserResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Person]) -> Self:
        return cls(items=[UserResponse.of(person) for person in page.items], cursor=page.cursor)
