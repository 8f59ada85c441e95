"""The people: a Cognito user pool, the client that signs them in, and a group for each role."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.config import Config
from infra.constructs.acknowledgements import acknowledge

ROLES = ("patient", "gp", "doctor", "researcher", "admin")


class Identity(Construct):
    """Cognito proves who somebody is; what they may do is decided by their record in the users table."""

    def __init__(self, scope: Construct, name: str, *, config: Config) -> None:
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
            user_verification=cognito.UserVerificationConfig(email_style=cognito.VerificationEmailStyle.CODE),
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
        self.client = self.pool.add_client(
            "client",
            auth_flows=cognito.AuthFlow(user_password=True),
            disable_o_auth=True,
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.minutes(60),
            id_token_validity=Duration.minutes(60),
            refresh_token_validity=Duration.days(30),
        )
        for rank, role in enumerate(reversed(ROLES)):
            cognito.CfnUserPoolGroup(
                self, f"group-{role}", user_pool_id=self.pool.user_pool_id, group_name=role, precedence=rank
            )
