"""Passwords and authenticator apps in Amazon Cognito."""

from typing import TYPE_CHECKING

from triagelens.adapters.cognito import CODE_REFUSED, CONFIRM_TEXT, NO_MAIL_FOR
from triagelens.adapters.cognito_errors import THROTTLED, refusing, saying_nothing, throttling
from triagelens.domain.errors import ConfirmationError, PasswordRefusedError, WrongPasswordError

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

# An account's own limit would tell that there is one. `TooManyRequestsException` is the whole pool's.
_RESET_REFUSED = CODE_REFUSED | (THROTTLED - {"TooManyRequestsException", "ThrottlingException"})
_AUTHENTICATOR_REFUSED = frozenset(
    {"CodeMismatchException", "EnableSoftwareTokenMFAException", "InvalidParameterException"}
)
_UNFIT = frozenset({"InvalidPasswordException", "PasswordHistoryPolicyViolationException"})
REFUSED_TEXT = "The new password does not keep the rules."


class CognitoPasswords:
    """`services.identity_ports.PasswordProvider`."""

    def __init__(self, client: "CognitoIdentityProviderClient", client_id: str) -> None:
        self._client = client
        self._client_id = client_id

    def send_reset_code(self, username: str) -> None:
        with throttling(), saying_nothing(NO_MAIL_FOR):
            self._client.forgot_password(ClientId=self._client_id, Username=username)

    def reset(self, username: str, code: str, new_password: str) -> None:
        unfit = PasswordRefusedError(REFUSED_TEXT)
        with throttling(), refusing(_RESET_REFUSED, ConfirmationError(CONFIRM_TEXT)), refusing(_UNFIT, unfit):
            self._client.confirm_forgot_password(
                ClientId=self._client_id, Username=username, ConfirmationCode=code, Password=new_password
            )

    def change(self, access_token: str, old_password: str, new_password: str) -> None:
        wrong = WrongPasswordError("The present password is not right.")
        unfit = PasswordRefusedError(REFUSED_TEXT)
        with throttling(), refusing(frozenset({"NotAuthorizedException"}), wrong), refusing(_UNFIT, unfit):
            self._client.change_password(
                AccessToken=access_token, PreviousPassword=old_password, ProposedPassword=new_password
            )


class CognitoAuthenticators:
    """`services.identity_ports.AuthenticatorProvider`."""

    def __init__(self, client: "CognitoIdentityProviderClient") -> None:
        self._client = client

    def associate(self, access_token: str) -> str:
        with throttling():
            return self._client.associate_software_token(AccessToken=access_token)["SecretCode"]

    def verify(self, access_token: str, code: str) -> None:
        mismatch = ConfirmationError(CONFIRM_TEXT)
        with throttling(), refusing(_AUTHENTICATOR_REFUSED, mismatch):
            answer = self._client.verify_software_token(AccessToken=access_token, UserCode=code)
            if answer["Status"] != "SUCCESS":
                raise mismatch
            self._client.set_user_mfa_preference(
                AccessToken=access_token,
                SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
            )
