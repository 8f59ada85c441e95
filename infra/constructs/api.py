"""The REST API in front of `clinic_api`, and the answers that the gateway gives by itself."""

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import API_STAGE, QUEUE_RETENTION_DAYS, Config
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.api_keys import require_keys
from infra.constructs.batch_permissions import allow_batch
from infra.constructs.firewall import protect
from infra.constructs.functions import FunctionFactory
from infra.constructs.gateway_errors import shape_gateway_errors
from infra.constructs.identity import Identity
from infra.constructs.pipeline import Pipeline
from infra.constructs.storage import (
    MULTIPART,
    READ_OBJECT,
    READ_RECORDS,
    WRITE_OBJECT,
    WRITE_RECORDS,
    Storage,
)

MAX_UPLOAD_BYTES = 50_000_000
UPLOAD_EXPIRY_S = 600
WAITERS = 50
CASE_NUMBER_START = 10_000
REQUESTS_PER_SECOND, BURST = 50, 100
# Exactly what the adapters call, on this pool alone.
COGNITO_ACTIONS = tuple(
    f"cognito-idp:{action}"
    for action in (
        "AdminAddUserToGroup",
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminGetUser",
        "AdminRemoveUserFromGroup",
        "AdminResetUserPassword",
        "AdminSetUserMFAPreference",
        "AdminUserGlobalSignOut",
        "AssociateSoftwareToken",
        "ChangePassword",
        "ConfirmForgotPassword",
        "ConfirmSignUp",
        "ForgotPassword",
        "InitiateAuth",
        "ResendConfirmationCode",
        "RespondToAuthChallenge",
        "SetUserMFAPreference",
        "SignUp",
        "VerifySoftwareToken",
    )
)
# No address, no user name, no token: the audit trail says who did what.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "error": "$context.error.responseType",
}


class Api(Construct):
    """API Gateway -> `clinic_api`, which does the routing and checks who is asking."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        storage: Storage,
        pipeline: Pipeline,
        replay: sqs.Queue,
        exports: sqs.Queue,
        erasure: sqs.Queue,
        webhook_key: kms.IKey,
        identity: Identity,
        factory: FunctionFactory,
    ) -> None:
        super().__init__(scope, name)
        self._config, self._replay, self._exports, self._erasure = config, replay, exports, erasure
        self._webhook_key = webhook_key
        snap_start = config.has("snap_start")
        self.function = factory.function(
            "clinic_api", self._environment(storage, pipeline, identity), snap_start=snap_start
        )
        self._permit(storage, pipeline, identity)
        target: lambda_.IFunction = self.function
        if snap_start:
            target = self.function.add_alias("live")
        self.rest = self._rest_api(target)
        shape_gateway_errors(self.rest, config.cors_origins)
        if config.has("waf"):
            protect(self, self.rest)

    @property
    def url(self) -> str:
        """Address of the API, without a slash at the end."""
        if self._config.endpoint:
            return f"{self._config.endpoint}/_aws/execute-api/{self.rest.rest_api_id}/{API_STAGE}"
        host = f"{self.rest.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
        return f"https://{host}/{API_STAGE}"

    def _environment(self, storage: Storage, pipeline: Pipeline, identity: Identity) -> dict[str, str]:
        pool = identity.pool.user_pool_id
        issuer = f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{pool}"
        keys_base = f"{self._config.endpoint}/{pool}" if self._config.endpoint else issuer
        environment = {f"{table.upper()}_TABLE": made.table_name for table, made in storage.tables.items()}
        environment |= {
            "UPLOADS_BUCKET": storage.uploads.bucket_name,
            "IMAGES_BUCKET": storage.images.bucket_name,
            "MODELS_BUCKET": storage.models.bucket_name,
            "AUDIT_BUCKET": storage.audit.bucket_name,
            "DOCUMENTS_BUCKET": storage.documents.bucket_name,
            "LEARNING_BUCKET": storage.learning.bucket_name,
            "INFERENCE_QUEUE_URL": pipeline.inference.queue.queue_url,
            "REPLAY_QUEUE_URL": self._replay.queue_url,
            "EXPORTS_QUEUE_URL": self._exports.queue_url,
            "ERASURE_QUEUE_URL": self._erasure.queue_url,
            "EXPLAIN_FUNCTION": pipeline.explain_image.function_name,
            "USER_POOL_ID": pool,
            "USER_POOL_CLIENT_ID": identity.client.user_pool_client_id,
            "OLD_APPS_CLIENT_ID": identity.old_apps_client.user_pool_client_id,
            "MIGRATION_KEY_ID": identity.migration_key.key_id,
            "WEBHOOK_KEY_ID": self._webhook_key.key_id,
            "TOKEN_ISSUER": issuer,
            "JWKS_URL": f"{keys_base}/.well-known/jwks.json",
            "CORS_ORIGINS": ",".join(self._config.cors_origins),
            "UPLOAD_EXPIRY_S": str(UPLOAD_EXPIRY_S),
            "QUEUE_RETENTION_S": str(QUEUE_RETENTION_DAYS * 24 * 3600),
            "MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
            "API_BASE_PATH": f"/{API_STAGE}",
            "WAITERS": str(WAITERS),
            "CASE_NUMBER_START": str(CASE_NUMBER_START),
        }
        if self._config.training:
            environment |= _training_environment(self._config)
        if self._config.endpoint:
            environment["PRESIGN_ENDPOINT_URL"] = self._config.endpoint
        return environment

    def _permit(self, storage: Storage, pipeline: Pipeline, identity: Identity) -> None:
        everything = sorted({*READ_RECORDS, *WRITE_RECORDS, "dynamodb:DeleteItem"})
        for table in ("casework", "registry", "users", "ephemeral"):
            storage.allow_records(self.function, table, everything)
        storage.allow_records(self.function, "audit", ["dynamodb:Query"])
        storage.allow_keys(
            self.function, "audit", "dynamodb:PutItem", ["DAY#*"]
        )  # entries, and no link or seal
        storage.allow_objects(self.function, storage.audit, "days/", READ_OBJECT)
        # It signs forms for originals and never reads one.
        storage.allow_objects(self.function, storage.uploads, "uploads/", WRITE_OBJECT)
        storage.allow_objects(self.function, storage.images, "working/", READ_OBJECT)
        # It signs links to pictures of the evidence; explain_image draws them.
        storage.allow_objects(self.function, storage.images, "explanations/", READ_OBJECT)
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[pipeline.explain_image.function_arn]
            )
        )
        # Annotations too large for an item of the table.
        storage.allow_objects(self.function, storage.images, "annotations/", [*READ_OBJECT, *WRITE_OBJECT])
        # It signs links to reports, which render_report makes, and forms for those of former systems.
        storage.allow_objects(self.function, storage.documents, "reports/", [*READ_OBJECT, *WRITE_OBJECT])
        storage.allow_objects(self.function, storage.models, "incoming/", WRITE_OBJECT)
        # It signs uploads, writes small ones, puts parts together, asks what came. It reads no archive.
        storage.allow_objects(self.function, storage.learning, "archives/", [*WRITE_OBJECT, *MULTIPART])
        storage.allow_objects(self.function, storage.learning, "snapshots/", READ_OBJECT)
        pipeline.inference.queue.grant_send_messages(self.function)
        self._replay.grant_send_messages(self.function)
        self._exports.grant_send_messages(self.function)
        storage.allow_objects(self.function, storage.documents, "exports/", READ_OBJECT)  # signs links
        identity.pool.grant(self.function, *COGNITO_ACTIONS)
        identity.migration_key.grant(self.function, "kms:Encrypt")
        self._webhook_key.grant(self.function, "kms:Encrypt")
        if self._config.training:
            allow_batch(self.function, self._config)

    def _rest_api(self, target: lambda_.IFunction) -> apigateway.RestApi:
        access_logs = logs.LogGroup(
            self,
            "access-logs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        rest = apigateway.RestApi(
            self,
            "rest",
            rest_api_name=f"triagelens-{self._config.stage}",
            description="Triagelens",
            binary_media_types=["multipart/form-data"],
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=True,
            deploy_options=apigateway.StageOptions(
                stage_name=API_STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(access_logs),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                metrics_enabled=True,
                tracing_enabled=self._config.has("tracing"),
                throttling_rate_limit=REQUESTS_PER_SECOND,
                throttling_burst_limit=BURST,
            ),
        )
        _acknowledge(rest)
        rest.node.try_remove_child("Endpoint")  # the stack's own output ApiUrl tells it
        integration = apigateway.LambdaIntegration(target, proxy=True)
        validator = rest.add_request_validator(
            "validator", validate_request_parameters=True, validate_request_body=True
        )
        names = self._config.api_keys
        rest.root.add_method("ANY", integration, request_validator=validator, api_key_required=bool(names))
        rest.root.add_resource("{proxy+}").add_method(
            "ANY",
            integration,
            request_validator=validator,
            request_parameters={"method.request.path.proxy": True},
            api_key_required=bool(names),
        )
        if names:
            require_keys(self, rest, integration, names)
        return rest


def _training_environment(config: Config) -> dict[str, str]:
    """Queues and definitions of the stack TriagelensTraining by their names, and what an hour costs."""
    environment = {
        "TRAINING_QUEUE": config.batch_name("training"),
        "TRAINING_DEFINITION": config.batch_name("training"),
        "INGEST_QUEUE": config.batch_name("ingest"),
        "INGEST_DEFINITION": config.batch_name("ingest"),
    }
    if config.training_usd_per_hour is not None:
        environment["TRAINING_USD_PER_HOUR"] = str(config.training_usd_per_hour)
    return environment


def _acknowledge(rest: apigateway.RestApi) -> None:
    acknowledge(
        rest,
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
        "API Gateway's own policy for its logs, of which an account has one.",
    )
    app_decides = "The application verifies the token, then asks the person's record, which is the authority."
    acknowledge(rest, "APIG4", app_decides)
    acknowledge(rest, "COG4", app_decides)
