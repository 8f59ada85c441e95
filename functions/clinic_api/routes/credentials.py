"""Forgotten and changed passwords, and the authenticator app."""

from fastapi import APIRouter, status

from clinic_api.deps.access import Credentials, CurrentPerson
from clinic_api.deps.people import LimitsCase, PasswordsCase, SecondFactorCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.auth import AccountRequest, Acknowledgement
from clinic_api.schemas.credentials import (
    AuthenticatorRequest,
    AuthenticatorResponse,
    ChangePasswordRequest,
    ResetPasswordRequest,
    VerifyAuthenticatorRequest,
)
from triagelens.domain.errors import UnauthenticatedError
from triagelens.services.limits import Kind

router = APIRouter(prefix="/v1/auth", tags=["people"])

FORGOT_TEXT = "If there is such an account with a confirmed e-mail address, a code is on its way."
RESET_TEXT = "The password was changed and every session ended. Sign in."
CHANGE_TEXT = "The password was changed and every session ended, this one too. Sign in."
VERIFIED_TEXT = "The authenticator app is set up. Every sign-in asks for its code from now on."


@router.post(
    "/forgot-password",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="forgot_password",
    summary="Have a code for a new password sent",
    responses=problems(429),
)
def forgot_password(body: AccountRequest, passwords: PasswordsCase, limits: LimitsCase) -> Acknowledgement:
    """The answer is the same whether or not there is such an account."""
    with limits.attempt(Kind.MAIL, body.username):
        passwords.forgot(body.username)
    return Acknowledgement(message=FORGOT_TEXT)


@router.post(
    "/reset-password",
    operation_id="reset_password",
    summary="Set a new password with the code that was sent",
    responses=problems(400, 429),
)
def reset_password(
    body: ResetPasswordRequest, passwords: PasswordsCase, limits: LimitsCase
) -> Acknowledgement:
    """Ends every session. A wrong code and an unknown account get the same answer."""
    with limits.attempt(Kind.CODE, body.username):
        passwords.reset(body.username, body.code, body.new_password.get_secret_value())
    return Acknowledgement(message=RESET_TEXT)


@router.post(
    "/change-password",
    operation_id="change_password",
    summary="Change my password",
    responses=problems(401, 403, 429, 503),
)
def change_password(
    body: ChangePasswordRequest,
    person: CurrentPerson,
    credentials: Credentials,
    passwords: PasswordsCase,
    limits: LimitsCase,
) -> Acknowledgement:
    """Needs the present password too (403 `wrong_password`), and ends every session."""
    if credentials is None:
        raise UnauthenticatedError("This needs an access token.")
    old, new = body.old_password.get_secret_value(), body.new_password.get_secret_value()
    with limits.attempt(Kind.SIGN_IN, person.sub):
        passwords.change(person, credentials.credentials, old, new)
    return Acknowledgement(message=CHANGE_TEXT)


@router.post(
    "/totp",
    operation_id="begin_totp",
    summary="Begin to set up an authenticator app",
    responses=problems(401, 403, 409, 429, 503),
)
def begin_totp(
    body: AuthenticatorRequest, second_factor: SecondFactorCase, limits: LimitsCase
) -> AuthenticatorResponse:
    """Asks for the password and not for a token, so it is open to who may not sign in without an app.

    Nothing changes until `POST /v1/auth/totp/verify`. Who has an app already sends its `code` along.
    """
    with limits.attempt(Kind.SIGN_IN, body.username):
        enrolment = second_factor.begin(body.username, body.password.get_secret_value(), body.code)
    return AuthenticatorResponse.of(enrolment)


@router.post(
    "/totp/verify",
    operation_id="verify_totp",
    summary="Show that the authenticator app is set up",
    responses=problems(400, 401, 403, 409, 429, 503),
)
def verify_totp(
    body: VerifyAuthenticatorRequest, second_factor: SecondFactorCase, limits: LimitsCase
) -> Acknowledgement:
    """With a code of the new app. From now on, sign in with `code`."""
    password = body.password.get_secret_value()
    with limits.attempt(Kind.SIGN_IN, body.username):
        second_factor.finish(body.username, password, body.code, body.new_code)
    return Acknowledgement(message=VERIFIED_TEXT)
