"""The people: a Cognito user pool, the client that signs them in, and a group for each role."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Config
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.functions import FunctionFactory
from infra.constructs.messages import CODE_MESSAGE, INVITATION
from infra.constructs.storage import Storage

ROLES = ("patient", "gp", "doctor", "researcher", "admin")


class Identity(Construct):
    """Cognito proves who somebody is; what they may do is decided by their record in the users table."""

    def __init__(
        self, scope: Construct, name: str, *, config: Config, storage: Storage, factory: FunctionFactory
    ) -> None:
        super().__init__(scope, name)
        protected = config.has("threat_protection")
        self.pool = cognito.UserPool(
            self,
            "pool",
            sign_in_aliases=cognito.SignInAliases(username=True, email=True),
            self_sign_up_enabled=True,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=False, mutable=True)
            ),
            # Proof that an account was made by the user-migration trigger: no app client may write it.
            custom_attributes={"migration": cognito.StringAttribute(mutable=True, max_len=100)},
            user_verification=cognito.UserVerificationConfig(
                email_style=cognito.VerificationEmailStyle.CODE,
                email_subject=CODE_MESSAGE.subject,
                email_body=CODE_MESSAGE.body,
            ),
            user_invitation=cognito.UserInvitationConfig(
                email_subject=INVITATION.subject, email_body=INVITATION.body
            ),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
            ),
            feature_plan=cognito.FeaturePlan.PLUS if protected else None,
            standard_threat_protection_mode=(
                cognito.StandardThreatProtectionMode.FULL_FUNCTION if protected else None
            ),
            deletion_protection=config.retains_data,
            removal_policy=RemovalPolicy.RETAIN if config.retains_data else RemovalPolicy.DESTROY,
        )
        acknowledge(self.pool, "COG2", "Patients may have no second device: a second factor is their choice.")
        self.client = self._client("client", Duration.minutes(60))
        # The former systems' apps sign in once a day and renew nothing.
        self.old_apps_client = self._client("old-apps-client", Duration.hours(24))
        self.migration_key = kms.Key(
            self,
            "migration-key",
            description="Triagelens: hashes of former passwords until their owners come",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if config.retains_data else RemovalPolicy.DESTROY,
        )
        self.migrate_user = self._migrate_user(storage, factory)
        for rank, role in enumerate(reversed(ROLES)):
            cognito.CfnUserPoolGroup(
                self, f"group-{role}", user_pool_id=self.pool.user_pool_id, group_name=role, precedence=rank
            )

    def _client(self, name: str, access_token_validity: Duration) -> cognito.UserPoolClient:
        return self.pool.add_client(
            name,
            auth_flows=cognito.AuthFlow(user_password=True),
            disable_o_auth=True,
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=access_token_validity,
            id_token_validity=access_token_validity,
            refresh_token_validity=Duration.days(30),
            write_attributes=cognito.ClientAttributes().with_standard_attributes(email=True, fullname=True),
        )

    def _migrate_user(self, storage: Storage, factory: FunctionFactory) -> lambda_.Function:
        """It reads who is expected and opens their hashes; the API seals hashes and opens none."""
        function = factory.function(
            "migrate_user",
            {
                "USERS_TABLE": storage.tables["users"].table_name,
                "MIGRATION_KEY_ID": self.migration_key.key_id,
            },
        )
        storage.allow_keys(function, "users", "dynamodb:GetItem", ["MIGRATION#*"])
        self.migration_key.grant(function, "kms:Decrypt")
        self.pool.add_trigger(cognito.UserPoolOperation.USER_MIGRATION, function)
        return function
