"""What the SMITA app sends and reads of people and their feedback; `smita_forms` has the rest.

Its text names the routes and leaves their bodies open, so they are defined here, in the manner of its Flask
server: JSON with `snake_case` names. Fields that are not known are ignored.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from clinic_api.schemas.auth import Code, Email, Name, NewUsername, Password, Username
from clinic_api.schemas.feedback import Rating
from triagelens.domain.feedback import Feedback
from triagelens.domain.people import Person, Role
from triagelens.services.feedback import Removed
from triagelens.services.identity_ports import Tokens
from triagelens.services.ports import Page


class Shape(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Message(Shape):
    message: str


class SignUp(Shape):
    """A new person. The OTP goes to the address."""

    username: NewUsername
    email: Email
    password: Password
    name: Name | None = None


class Otp(Shape):
    """The OTP that came by mail. Until it is confirmed, an address names nobody: here it is the username."""

    username: Username
    otp: Code


class Account(Shape):
    """Whose account: `username`, or the confirmed address, which may come as `email` too."""

    username: Username = Field(validation_alias=AliasChoices("username", "email"))


class Login(Account):
    """`code` and `new_password` only where a 409 has asked for them."""

    password: Password
    code: Code | None = None
    new_password: Password | None = None


class NewPassword(Account):
    """The OTP that came by mail, and a new password."""

    otp: Code
    new_password: Password


class User(Shape):
    """A person. `role` is patient, gp, doctor, researcher or admin."""

    id: str
    username: str
    name: str | None
    email: str | None
    role: Role

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls.model_validate({**person.model_dump(), "id": person.sub})


class LoggedIn(Shape):
    """Send `access_token` as `Authorization: Bearer ...`; it lasts for `expires_in` seconds."""

    access_token: str
    expires_in: int
    user: User

    @classmethod
    def of(cls, tokens: Tokens, person: Person) -> Self:
        return cls(access_token=tokens.access_token, expires_in=tokens.expires_in_s, user=User.of(person))


class NewFeedback(Shape):
    """`rating` is 1 (bad) to 5 (good)."""

    rating: Rating
    feedback: Annotated[str, Field(max_length=4_000)] | None = None


class FeedbackEntry(Shape):
    feedback_id: str
    user_id: str
    rating: int
    feedback: str | None
    submitted_at: datetime

    @classmethod
    def of(cls, given: Feedback) -> Self:
        return cls(
            feedback_id=given.feedback_id,
            user_id=given.person,
            rating=given.rating,
            feedback=given.text,
            submitted_at=given.submitted_at,
        )


class FeedbackState(Shape):
    submitted: bool
    feedback: FeedbackEntry | None

    @classmethod
    def of(cls, given: Feedback | None) -> Self:
        return cls(submitted=given is not None, feedback=given and FeedbackEntry.of(given))


class Feedbacks(Shape):
    """Newest first. Ask again with `cursor` until it is null."""

    feedbacks: list[FeedbackEntry]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[Feedback]) -> Self:
        return cls(feedbacks=[FeedbackEntry.of(one) for one in page.items], cursor=page.cursor)


class FeedbackReset(Shape):
    """How many were taken away. Call again as long as there is `more`."""

    message: str = "Feedback was reset."
    deleted: int
    more: bool

    @classmethod
    def of(cls, removed: Removed) -> Self:
        return cls(deleted=removed.count, more=removed.more)


class UserEntry(User):
    """A person as admins see them."""

    created_at: datetime
    disabled: bool


class Users(Shape):
    """By role and username. Ask again with `cursor` until it is null."""

    users: list[UserEntry]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[Person]) -> Self:
        return cls(users=[UserEntry.of(person) for person in page.items], cursor=page.cursor)
