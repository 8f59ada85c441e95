"""Passwords and authenticator apps."""

from typing import Self

from pydantic import BaseModel, Field

from clinic_api.schemas.auth import Code, Password, Request, Username
from triagelens.services.second_factor import Enrolment


class ResetPasswordRequest(Request):
    """The code that came by e-mail, and a new password."""

    username: Username
    code: Code
    new_password: Password


class ChangePasswordRequest(Request):
    """The present password and a new one."""

    old_password: Password
    new_password: Password


class AuthenticatorRequest(Request):
    """The password once more. `code` is of the app that is set up already, if there is one."""

    username: Username
    password: Password
    code: Code | None = Field(default=None, description="From the present app, if one is set up")


class VerifyAuthenticatorRequest(AuthenticatorRequest):
    """As before, and a code of the new app."""

    new_code: Code


class AuthenticatorResponse(BaseModel):
    """What to put into the app."""

    secret: str = Field(description="Base 32, to type in", examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(
        description="The same, for a QR code",
        examples=["otpauth://totp/Triagelens:ada?secret=JBSWY3DPEHPK3PXP&issuer=Triagelens"],
    )

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        return cls(secret=enrolment.secret, uri=enrolment.uri)
