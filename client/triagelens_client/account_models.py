"""Answers of the API about people and how they sign in."""

from pydantic import Field

from triagelens_client.models import Answer


class Me(Answer):
    """The signed-in person.

    Attributes:
        id: opaque; what they make has it as `owner`.
    """

    id: str
    username: str
    role: str
    patient_id: str | None = None
    email: str | None = None
    name: str | None = None
    mail: bool = True
    second_factor: bool = False


class User(Me):
    """A person as admins see them.

    Attributes:
        second_factor: whether an authenticator app is set up.
    """

    disabled: bool = False


class Authenticator(Answer):
    """What to put into an authenticator app: the secret by hand, or `uri` as a QR code."""

    secret: str = Field(repr=False)
    uri: str = Field(repr=False)


class SignUp(Answer):
    """Answer to a sign-up: what happens next, in words."""

    message: str


class MigratedUser(Answer):
    """What became of somebody of a former system.

    Attributes:
        verdict: `taken`, `known` (taken before) or `refused`.
        reason: why somebody was refused.
    """

    username: str
    verdict: str
    reason: str | None = None
