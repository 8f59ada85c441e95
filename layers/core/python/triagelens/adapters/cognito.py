"""Amazon Cognito behind `services.identity_ports.IdentityProvider`."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from triagelens.domain.errors import (
    ChallengeError,
    ConfirmationError,
    InvalidRequestError,
    PasswordRefusedError,
    SignInError,
    TooManyRequestsError,
)
from triagelens.services.identity_ports import Account, Tokens

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        AttributeTypeTypeDef,
        AuthenticationResultTypeTypeDef,
        InitiateAuthResponseTypeDef,
        RespondToAuthChallengeResponseTypeDef,
    )

    _Answer = InitiateAuthResponseTypeDef | RespondToAuthChallengeResponseTypeDef

RETRY_AFTER_S = 5
MOST_CHALLENGES = 3

_THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "LimitExceededException",
        "TooManyFailedAttemptsException",
        "ThrottlingException",
    }
)
_SIGN_IN_REFUSED = frozenset(
    {
        "NotAuthorizedException",
        "UserNotFoundException",
        "UserNotConfirmedException",
        "PasswordResetRequiredException",
        "CodeMismatchException",
        "ExpiredCodeException",
        "InvalidParameterException",
    }
)
_CODE_REFUSED = frozenset(
    {
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "NotAuthorizedException",
        "AliasExistsException",
        "InvalidParameterException",
    }
)

SIGN_IN_TEXT = "The username or password is not right, or the account has not been confirmed yet."
REFRESH_TEXT = "The refresh token is not valid any more. Sign in again."
CONFIRM_TEXT = "That code is not right, or no longer valid."


@lru_cache
def cognito_client(region: str) -> "CognitoIdentityProviderClient":
    """One client per process."""
    config = Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.client("cognito-idp", region_name=region, config=config)


class CognitoIdentity:
    """A user pool and its app client (no client secret; flow USER_PASSWORD_AUTH)."""

    def __init__(self, client: "CognitoIdentityProviderClient", pool_id: str, client_id: str) -> None:
        self._client = client
        self._pool_id = pool_id
        self._client_id = client_id

    def sign_up(self, username: str, password: str, email: str | None, name: str | None) -> Account | None:
        given = {"email": email, "name": name}
        attributes: list[AttributeTypeTypeDef] = [
            {"Name": key, "Value": value} for key, value in given.items() if value is not None
        ]
        try:
            with _throttling():
                answer = self._client.sign_up(
                    ClientId=self._client_id, Username=username, Password=password, UserAttributes=attributes
                )
        except ClientError as error:
            return self._sign_up_refused(error, username)
        return Account(sub=answer["UserSub"], username=username, email=email, name=name)

    def account(self, username: str) -> Account | None:
        try:
            with _throttling():
                answer = self._client.admin_get_user(UserPoolId=self._pool_id, Username=username)
        except ClientError as error:
            if _code(error) in {"UserNotFoundException", "InvalidParameterException"}:
                return None
            raise
        known = {entry["Name"]: entry.get("Value") for entry in answer["UserAttributes"]}
        return Account(
            sub=known["sub"] or "",
            username=answer["Username"],
            email=known.get("email"),
            name=known.get("name"),
        )

    def confirm(self, username: str, code: str) -> None:
        with _throttling(), _refusing(_CODE_REFUSED, ConfirmationError(CONFIRM_TEXT)):
            self._client.confirm_sign_up(ClientId=self._client_id, Username=username, ConfirmationCode=code)

    def sign_in(self, username: str, password: str, code: str | None, new_password: str | None) -> Tokens:
        with _throttling(), _refusing(_SIGN_IN_REFUSED, SignInError(SIGN_IN_TEXT)):
            answer: _Answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": username, "PASSWORD": password},
            )
            for _ in range(MOST_CHALLENGES):
                if "AuthenticationResult" in answer:
                    return _tokens(answer["AuthenticationResult"])
                answer = self._meet(answer, username, code, new_password)
        if "AuthenticationResult" not in answer:
            raise ChallengeError(answer["ChallengeName"], _UNMET_TEXT)
        return _tokens(answer["AuthenticationResult"])

    def refresh(self, refresh_token: str) -> Tokens:
        with _throttling(), _refusing(_SIGN_IN_REFUSED, SignInError(REFRESH_TEXT)):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )
        return _tokens(answer["AuthenticationResult"])

    def _meet(
        self, answer: "_Answer", username: str, code: str | None, new_password: str | None
    ) -> "_Answer":
        """Answers one challenge with what came along."""
        challenge = answer["ChallengeName"]
        # Sign-in by e-mail: from here on Cognito wants the name that it knows itself.
        name = answer["ChallengeParameters"].get("USER_ID_FOR_SRP", username)
        if challenge == "SOFTWARE_TOKEN_MFA" and code is not None:
            responses = {"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": code}
        elif challenge == "NEW_PASSWORD_REQUIRED" and new_password is not None:
            responses = {"USERNAME": name, "NEW_PASSWORD": new_password}
        else:
            raise ChallengeError(challenge, _CHALLENGE_TEXTS.get(challenge, _UNMET_TEXT))
        try:
            return self._client.respond_to_auth_challenge(
                ClientId=self._client_id,
                ChallengeName=challenge,
                Session=answer["Session"],
                ChallengeResponses=responses,
            )
        except ClientError as error:
            if _code(error) == "InvalidPasswordException":
                raise PasswordRefusedError("The new password does not keep the rules.") from error
            raise

    def _sign_up_refused(self, error: ClientError, username: str) -> Account | None:
        """What a refused sign-up means: None for a taken name, the account if only the e-mail failed."""
        match _code(error):
            case "UsernameExistsException" | "AliasExistsException":
                return None
            case "CodeDeliveryFailureException":
                return self.account(username)
            case "InvalidPasswordException":
                raise PasswordRefusedError("The password does not keep the rules.") from error
            case "InvalidParameterException":
                raise InvalidRequestError("The identity provider refuses this name or address.") from error
        raise error


_CHALLENGE_TEXTS = {
    "SOFTWARE_TOKEN_MFA": "Send the same request again with `code` from your authenticator app.",
    "NEW_PASSWORD_REQUIRED": "Send the same request again with `new_password`.",
}
_UNMET_TEXT = "This account needs a step at sign-in that the API does not offer yet."


def _tokens(result: "AuthenticationResultTypeTypeDef") -> Tokens:
    return Tokens(
        access_token=result["AccessToken"],
        expires_in_s=result["ExpiresIn"],
        id_token=result.get("IdToken"),
        refresh_token=result.get("RefreshToken"),
    )


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


@contextmanager
def _throttling() -> Iterator[None]:
    """Turns every way in which Cognito says `slow down` into the one of the domain."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _THROTTLED:
            raise TooManyRequestsError(
                "Too many attempts. Try again a little later.", RETRY_AFTER_S
            ) from error
        raise


@contextmanager
def _refusing(codes: frozenset[str], refusal: SignInError | ConfirmationError) -> Iterator[None]:
    """Answers every one of `codes` in the same words."""
    try:
        yield
    except ClientError as error:
        if _code(error) in codes:
            raise refusal from error
        raise
