"""People and what they may do."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Role(StrEnum):
    PATIENT = "patient"
    GP = "gp"
    DOCTOR = "doctor"
    RESEARCHER = "researcher"
    ADMIN = "admin"


SEES_ALL_IMAGES = frozenset({Role.DOCTOR, Role.ADMIN})
SEES_MODELS = frozenset({Role.GP, Role.DOCTOR, Role.RESEARCHER, Role.ADMIN})
MANAGES_MODELS = frozenset({Role.ADMIN})


class Person(BaseModel):
    """A person's record: the only authority on role and standing.

    Attributes:
        sub: opaque id from the identity provider.
        valid_after: access tokens issued before this moment no longer count.
    """

    model_config = ConfigDict(frozen=True)

    sub: str
    username: str
    role: Role
    disabled: bool = False
    valid_after: datetime | None = None
    email: str | None = None
    name: str | None = None
    created_at: datetime
    version: int | None = None

    @property
    def sees_all_images(self) -> bool:
        return self.role in SEES_ALL_IMAGES
