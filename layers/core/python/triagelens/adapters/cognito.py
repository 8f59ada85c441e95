"""Amazon Cognito behind `services.identity_ports.IdentityProvider`."""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from triagelens.adapters.cognito_errors import code_of, refusing, saying_nothing, throttling
from triagelens.domain.errors import (
    ChallengeError,
    ConfirmationError,
    InvalidRequestError,
    PasswordRefusedError,
    SignInError,
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

MOST_CHALLENGES = 3
TOTP = "SOFTWARE_TOKEN_MFA"
# Only the user-migration trigger sets it: no app client may write it.
PROOF_ATTRIBUTE = "custom:migration"
# What Cognito says when that trigger says no, or cannot be asked. It is asked for unknown names only.
_TRIGGER_SAYS_NO = frozenset(
    {"UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException"}
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
        *_TRIGGER_SAYS_NO,
    }
)
CODE_REFUSED = frozenset(
    {
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "NotAuthorizedException",
        "AliasExistsException",
        "InvalidParameterException",
    }
)

# Whether a mail was sent is nobody's business but its reader's. The limit is one for each account,
# so it would tell that there is one.
NO_MAIL_FOR = frozenset(
    {
        "UserNotFoundException",
        "InvalidParameterException",
        "NotAuthorizedException",
        "CodeDeliveryFailureException",
        "LimitExceededException",
        *_TRIGGER_SAYS_NO,
    }
)

UNKNOWN = frozenset({"UserNotFoundException"})

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
            with throttling():
                answer = self._client.sign_up(
                    ClientId=self._client_id, Username=username, Password=password, UserAttributes=attributes
                )
        except ClientError as error:
            return self._sign_up_refused(error, username)
        return Account(sub=answer["UserSub"], username=username, email=email, name=name)

    def account(self, username: str) -> Account | None:
        try:
            with throttling():
                answer = self._client.admin_get_user(UserPoolId=self._pool_id, Username=username)
        except ClientError as error:
            if code_of(error) in {"UserNotFoundException", "InvalidParameterException"}:
                return None
            raise
        known = {entry["Name"]: entry.get("Value") for entry in answer["UserAttributes"]}
        return Account(
            sub=known["sub"] or "",
            username=answer["Username"],
            email=known.get("email"),
            name=known.get("name"),
            migration=known.get(PROOF_ATTRIBUTE),
            invited=answer.get("UserStatus") == "FORCE_CHANGE_PASSWORD",
        )

    def resend(self, username: str) -> None:
        with throttling(), saying_nothing(NO_MAIL_FOR):
            self._client.resend_confirmation_code(ClientId=self._client_id, Username=username)

    def confirm(self, username: str, code: str) -> None:
        with throttling(), refusing(CODE_REFUSED, ConfirmationError(CONFIRM_TEXT)):
            self._client.confirm_sign_up(ClientId=self._client_id, Username=username, ConfirmationCode=code)

    def sign_in(self, username: str, password: str, code: str | None, new_password: str | None) -> Tokens:
        with throttling(), refusing(_SIGN_IN_REFUSED, SignInError(SIGN_IN_TEXT)):
            answer: _Answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": username, "PASSWORD": password},
            )
            met: set[str] = set()
            for _ in range(MOST_CHALLENGES):
                if "AuthenticationResult" in answer:
                    break
                met.add(answer["ChallengeName"])
                answer = self._meet(answer, username, code, new_password)
        if "AuthenticationResult" not in answer:
            raise ChallengeError(answer["ChallengeName"], _UNMET_TEXT)
        return replace(_tokens(answer["AuthenticationResult"]), second_factor=TOTP in met)

    def refresh(self, refresh_token: str) -> Tokens:
        with throttling(), refusing(_SIGN_IN_REFUSED, SignInError(REFRESH_TEXT)):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )
        return _tokens(answer["AuthenticationResult"])

    def sign_out(self, username: str) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            self._client.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=username)

    def _meet(
        self, answer: "_Answer", username: str, code: str | None, new_password: str | None
    ) -> "_Answer":
        """Answers one challenge with what came along."""
        challenge = answer["ChallengeName"]
        # Sign-in by e-mail: from here on Cognito wants the name that it knows itself.
        name = answer["ChallengeParameters"].get("USER_ID_FOR_SRP", username)
        if challenge == TOTP and code is not None:
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
            if code_of(error) == "InvalidPasswordException":
                raise PasswordRefusedError("The new password does not keep the rules.") from error
            raise

    def _sign_up_refused(self, error: ClientError, username: str) -> Account | None:
        """What a refused sign-up means: None for a taken name, the account if only the e-mail failed."""
        match code_of(error):
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
    TOTP: "Send the same request again with `code` from your authenticator app.",
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
