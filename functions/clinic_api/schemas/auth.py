"""Sign-up and sign-in."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from triagelens.services.identity_ports import Tokens

# Cognito takes no e-mail address as a username where the address is an alias.
NewUsername = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{3,64}$", examples=["ada"])]
Username = Annotated[str, Field(min_length=1, max_length=128, examples=["ada"])]
Email = Annotated[
    str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$", max_length=254, examples=["ada@example.org"])
]
Code = Annotated[str, Field(pattern=r"^[0-9]{4,10}$", examples=["123456"])]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Ada"])]
Password = Annotated[SecretStr, Field(min_length=1, max_length=256, examples=["correct-Horse-battery-9"])]


class Request(BaseModel):
    """A body with nothing unknown in it."""

    model_config = ConfigDict(extra="forbid")


class SignUpRequest(Request):
    """A new person. With an e-mail address, a confirmation code goes there."""

    username: NewUsername
    password: Password
    email: Email | None = None
    name: Name | None = None


class AccountRequest(Request):
    """Whose code to send."""

    username: Username


class ConfirmRequest(Request):
    """The code that came by e-mail."""

    username: Username
    code: Code


class SignInRequest(Request):
    """Username or confirmed e-mail address, password, and whatever the account needs beyond it."""

    username: Username
    password: Password
    code: Code | None = Field(default=None, description="From the authenticator app, if one is enrolled")
    new_password: Password | None = Field(
        default=None, description="Replaces the first password of an invited person"
    )


class RefreshRequest(Request):
    """The refresh token of a sign-in."""

    refresh_token: str = Field(min_length=1, max_length=8192, examples=["eyJjdHkiOiJKV1Qi..."])


class Acknowledgement(BaseModel):
    """What happens next. The same whether or not an account exists."""

    message: str = Field(examples=["If this name is free, a confirmation code is on its way."])


class TokenResponse(BaseModel):
    """Send `access_token` as `Authorization: Bearer ...`."""

    access_token: str = Field(examples=["eyJraWQiOiJr..."])
    id_token: str | None = Field(default=None, examples=["eyJraWQiOiJz..."])
    refresh_token: str | None = Field(
        default=None, description="Only at sign-in; a refresh keeps the one you have"
    )
    expires_in: int = Field(description="Seconds until the access token expires", examples=[3600])
    token_type: str = Field(default="Bearer")

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        return cls(
            access_token=tokens.access_token,
            id_token=tokens.id_token,
            refresh_token=tokens.refresh_token,
            expires_in=tokens.expires_in_s,
        )
