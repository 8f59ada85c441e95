"""What admins do with people's accounts in Amazon Cognito."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from triagelens.adapters.cognito import UNKNOWN
from triagelens.adapters.cognito_errors import code_of, refusing, saying_nothing, throttling
from triagelens.domain.errors import ConflictError, InvalidRequestError
from triagelens.domain.people import Role
from triagelens.services.identity_ports import Account

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef

_TAKEN = frozenset({"UsernameExistsException", "AliasExistsException"})
_NOT_TO_BE_RESET = frozenset({"InvalidParameterException", "NotAuthorizedException"})
REFUSED_TEXT = "The identity provider refuses this name or address."
NO_ADDRESS_TEXT = "This account cannot be reset: it is disabled, or has no confirmed e-mail address."


class CognitoDirectory:
    """`services.identity_ports.Directory`. Cognito makes up the first passwords and mails them itself."""

    def __init__(self, client: "CognitoIdentityProviderClient", pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id

    def invite(self, username: str, email: str, name: str | None) -> Account | None:
        # The admin vouches for the address: it is where the first password goes.
        given = {"email": email, "email_verified": "true", "name": name}
        attributes: list[AttributeTypeTypeDef] = [
            {"Name": key, "Value": value} for key, value in given.items() if value is not None
        ]
        refusal = InvalidRequestError(REFUSED_TEXT)
        try:
            with throttling(), refusing(frozenset({"InvalidParameterException"}), refusal):
                answer = self._client.admin_create_user(
                    UserPoolId=self._pool_id,
                    Username=username,
                    UserAttributes=attributes,
                    DesiredDeliveryMediums=["EMAIL"],
                )
        except ClientError as error:
            if code_of(error) in _TAKEN:
                return None
            raise
        known = {entry["Name"]: entry.get("Value", "") for entry in answer["User"]["Attributes"]}
        return Account(sub=known["sub"], username=username, email=email, name=name, invited=True)

    def invite_again(self, username: str) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            self._client.admin_create_user(
                UserPoolId=self._pool_id,
                Username=username,
                MessageAction="RESEND",
                DesiredDeliveryMediums=["EMAIL"],
            )

    def set_enabled(self, username: str, enabled: bool) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            if enabled:
                self._client.admin_enable_user(UserPoolId=self._pool_id, Username=username)
            else:
                self._client.admin_disable_user(UserPoolId=self._pool_id, Username=username)

    def set_role(self, username: str, role: Role) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            for other in Role:
                if other is not role:
                    self._client.admin_remove_user_from_group(
                        UserPoolId=self._pool_id, Username=username, GroupName=other
                    )
            self._client.admin_add_user_to_group(UserPoolId=self._pool_id, Username=username, GroupName=role)

    def require_reset(self, username: str) -> None:
        refusal = ConflictError(NO_ADDRESS_TEXT)
        with throttling(), saying_nothing(UNKNOWN), refusing(_NOT_TO_BE_RESET, refusal):
            self._client.admin_reset_user_password(UserPoolId=self._pool_id, Username=username)

    def forget_authenticator(self, username: str) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            self._client.admin_set_user_mfa_preference(
                UserPoolId=self._pool_id,
                Username=username,
                SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False},
            )

    def remove(self, username: str) -> None:
        with throttling(), saying_nothing(UNKNOWN):
            self._client.admin_delete_user(UserPoolId=self._pool_id, Username=username)
