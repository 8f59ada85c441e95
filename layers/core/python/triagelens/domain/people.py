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
