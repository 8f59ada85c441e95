"""Sign-up, sign-in and sign-out."""

from fastapi import APIRouter, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.people import LimitsCase, SessionsCase
from clinic_api.deps.use_cases import AccountsCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.auth import (
    AccountRequest,
    Acknowledgement,
    ConfirmRequest,
    RefreshRequest,
    SignInRequest,
    SignUpRequest,
    TokenResponse,
)
from triagelens.services.limits import Kind

router = APIRouter(prefix="/v1/auth", tags=["people"])

SIGN_UP_TEXT = "If this name is free, the account was made. Confirm it with the code that was sent."
RESEND_TEXT = "If such an account waits for a code, a new one is on its way."
CONFIRM_TEXT = "The account is confirmed. Sign in."


@router.post(
    "/sign-up",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="sign_up",
    summary="Make an account",
    responses=problems(400, 429),
)
def sign_up(body: SignUpRequest, accounts: AccountsCase) -> Acknowledgement:
    """Makes an account with the role `patient`.

    With an e-mail address, a confirmation code is sent there; without one, an admin confirms the
    account. The answer is the same whether or not the name was free.
    """
    accounts.sign_up(body.username, body.password.get_secret_value(), body.email, body.name)
    return Acknowledgement(message=SIGN_UP_TEXT)


@router.post(
    "/confirm",
    operation_id="confirm_sign_up",
    summary="Confirm an account with the code that was sent",
    responses=problems(400, 429),
)
def confirm(body: ConfirmRequest, accounts: AccountsCase, limits: LimitsCase) -> Acknowledgement:
    """Can be repeated if it failed. A wrong code and an unknown account get the same answer."""
    with limits.attempt(Kind.CODE, body.username):
        accounts.confirm(body.username, body.code)
    return Acknowledgement(message=CONFIRM_TEXT)


@router.post(
    "/resend",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="resend_code",
    summary="Have the confirmation code sent again",
    responses=problems(429),
)
def resend(body: AccountRequest, accounts: AccountsCase, limits: LimitsCase) -> Acknowledgement:
    """The answer is the same whether or not there is such an account, and whether it needs a code."""
    with limits.attempt(Kind.MAIL, body.username):
        accounts.resend(body.username)
    return Acknowledgement(message=RESEND_TEXT)


@router.post(
    "/sign-in",
    operation_id="sign_in",
    summary="Get tokens for a password",
    responses=problems(401, 403, 409, 429, 503),
)
def sign_in(body: SignInRequest, accounts: AccountsCase, limits: LimitsCase) -> TokenResponse:
    """Takes a username or a confirmed e-mail address.

    Where the account needs more, the answer is 409 with code `challenge_required` and the name of
    the challenge: send the same request again with `code` (authenticator app) or `new_password`
    (first sign-in of an invited person). In production, doctors and admins without an authenticator app
    get 403 `second_factor_required`: they set one up first, with `POST /v1/auth/totp`. Any other refusal
    is 401, in the same words whatever was wrong; after a few, 429 asks to wait, longer each time.
    """
    new_password = body.new_password.get_secret_value() if body.new_password else None
    password = body.password.get_secret_value()
    with limits.attempt(Kind.SIGN_IN, body.username):
        tokens = accounts.sign_in(body.username, password, body.code, new_password, correlation_id())
    return TokenResponse.of(tokens)


@router.post(
    "/refresh",
    operation_id="refresh_tokens",
    summary="Get a new access token",
    responses=problems(401, 429),
)
def refresh(body: RefreshRequest, accounts: AccountsCase) -> TokenResponse:
    """For a refresh token that is still valid; keep using that one."""
    return TokenResponse.of(accounts.refresh(body.refresh_token))


@router.post(
    "/sign-out",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="sign_out",
    summary="End every session of mine",
    responses=problems(401, 403, 429, 503),
)
def sign_out(person: CurrentPerson, sessions: SessionsCase) -> None:
    """On every device. No access or refresh token of before counts from the next request on."""
    sessions.sign_out(person)
