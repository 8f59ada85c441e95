"""Sign-up and sign-in."""

from fastapi import APIRouter, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.use_cases import AccountsCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.auth import (
    Acknowledgement,
    ConfirmRequest,
    PersonResponse,
    RefreshRequest,
    SignInRequest,
    SignUpRequest,
    TokenResponse,
)

router = APIRouter(prefix="/v1", tags=["people"])

SIGN_UP_TEXT = "If this name is free, the account was made. Confirm it with the code that was sent."
CONFIRM_TEXT = "The account is confirmed. Sign in."


@router.post(
    "/auth/sign-up",
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
    "/auth/confirm",
    operation_id="confirm_sign_up",
    summary="Confirm an account with the code that was sent",
    responses=problems(400, 429),
)
def confirm(body: ConfirmRequest, accounts: AccountsCase) -> Acknowledgement:
    """Can be repeated if it failed. A wrong code and an unknown account get the same answer."""
    accounts.confirm(body.username, body.code)
    return Acknowledgement(message=CONFIRM_TEXT)


@router.post(
    "/auth/sign-in",
    operation_id="sign_in",
    summary="Get tokens for a password",
    responses=problems(401, 409, 429, 503),
)
def sign_in(body: SignInRequest, accounts: AccountsCase) -> TokenResponse:
    """Takes a username or a confirmed e-mail address.

    Where the account needs more, the answer is 409 with code `challenge_required` and the name of
    the challenge: send the same request again with `code` (authenticator app) or `new_password`
    (first sign-in of an invited person). Any other refusal is 401, in the same words whatever was wrong.
    """
    new_password = body.new_password.get_secret_value() if body.new_password else None
    tokens = accounts.sign_in(
        body.username, body.password.get_secret_value(), body.code, new_password, correlation_id()
    )
    return TokenResponse.of(tokens)


@router.post(
    "/auth/refresh",
    operation_id="refresh_tokens",
    summary="Get a new access token",
    responses=problems(401, 429),
)
def refresh(body: RefreshRequest, accounts: AccountsCase) -> TokenResponse:
    """For a refresh token that is still valid; keep using that one."""
    return TokenResponse.of(accounts.refresh(body.refresh_token))


@router.get("/me", operation_id="me", summary="Who I am", responses=problems(401, 403, 503))
def me(person: CurrentPerson) -> PersonResponse:
    """The signed-in person's record. Its role decides what they may do, whatever the token says."""
    return PersonResponse.of(person)
