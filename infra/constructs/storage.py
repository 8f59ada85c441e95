"""Buckets and tables, and the keys that encrypt them."""

from typing import cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.config import (
    ARCHIVES_EXPIRE_DAYS,
    AUDIT_KEPT_DAYS,
    AUDIT_KEPT_DAYS_ELSEWHERE,
    EXPORTS_EXPIRE_DAYS,
    MULTIPART_ABORT_DAYS,
    ORIGINALS_EXPIRE_DAYS,
    Config,
)
from infra.constructs.acknowledgements import acknowledge

READ_OBJECT = ["s3:GetObject", "s3:GetObjectVersion"]
WRITE_OBJECT = ["s3:PutObject"]
# An upload in parts: list what came, give it up. Making one and putting it together are writes.
MULTIPART = ["s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
DELETE_OBJECT = ["s3:DeleteObject"]
# Without these S3 says "access denied" of an object that is gone, and a reader cannot tell it from a mistake.
TELL_MISSING = ["s3:ListBucket", "s3:ListBucketVersions"]
READ_RECORDS = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]
# A transaction needs the actions of its parts.
WRITE_RECORDS = [
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:ConditionCheckItem",
]

# The tables, each with its number of indexes.
INDEXES = {"casework": 3, "registry": 0, "users": 1, "audit": 2, "ephemeral": 0}
TTL_ATTRIBUTE = "expires_at"
STREAMS = {
    "casework": dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
    "audit": dynamodb.StreamViewType.NEW_IMAGE,
}


class Storage(Construct):
    """Six buckets, five tables.

    Originals have a key of their own: who may read the working images cannot decrypt a photo.
    """

    def __init__(self, scope: Construct, name: str, *, config: Config) -> None:
        super().__init__(scope, name)
        self._config = config
        self._removal = RemovalPolicy.RETAIN if config.retains_data else RemovalPolicy.DESTROY
        self.originals_key = self._key("originals-key", "original photos")
        self.data_key = self._key("data-key", "working images, models and tables")
        self.signing_key = kms.Key(
            self,
            "signing-key",
            description="Triagelens: signatures of registered models",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=self._removal,
        )
        self._access_logs = self._make_access_logs()
        self.uploads = self._bucket(
            "uploads",
            self.originals_key,
            expire_after=Duration.days(ORIGINALS_EXPIRE_DAYS),
            # A form can be used twice; it is the first version that a dead letter may point to.
            replaced_expire_after=Duration.days(ORIGINALS_EXPIRE_DAYS),
            methods=[s3.HttpMethods.POST],
        )
        self.images = self._bucket(
            "images",
            self.data_key,
            methods=[s3.HttpMethods.GET],
            replaced_expire_after=Duration.days(30),
        )
        # The registry pins versions of models: none of them ever expires.
        self.models = self._bucket("models", self.data_key, methods=[s3.HttpMethods.POST])
        # Snapshots pin what is in here; only what was sent in, and former checkpoints, go by themselves.
        self.learning = self._bucket(
            "learning",
            self.data_key,
            methods=[s3.HttpMethods.GET, s3.HttpMethods.POST, s3.HttpMethods.PUT],
            rules=[_archives_expire(), _former_checkpoints_expire()],
        )
        # What people download: exports, and reports.
        self.documents = self._bucket(
            "documents",
            self.data_key,
            methods=[s3.HttpMethods.GET],
            rules=[_exports_expire()],
        )
        # Closed days of the audit trail: nobody removes one before its time, in production not even an owner.
        self.audit = self._bucket("audit-exports", self.data_key, methods=[], locked=True)
        self.tables = {table: self._table(table, indexes) for table, indexes in INDEXES.items()}

    def allow_objects(
        self, function: lambda_.Function, bucket: s3.Bucket, prefix: str, actions: list[str]
    ) -> None:
        """Allow these actions on the objects below a prefix, and what the bucket's KMS key needs for them."""
        function.add_to_role_policy(
            iam.PolicyStatement(actions=actions, resources=[bucket.arn_for_objects(f"{prefix}*")])
        )
        key = self.originals_key if bucket is self.uploads else self.data_key
        if WRITE_OBJECT[0] in actions:
            key.grant(function, "kms:GenerateDataKey")
        if READ_OBJECT[0] in actions:
            key.grant(function, "kms:Decrypt")
            function.add_to_role_policy(
                iam.PolicyStatement(actions=TELL_MISSING, resources=[bucket.bucket_arn])
            )
        acknowledge(
            _role(function),
            f"IAM5[Resource::<{self._logical_id(bucket)}.Arn>/{prefix}*]",
            "One prefix of one bucket; the keys below it are made at run time.",
        )

    def allow_records(self, function: lambda_.Function, name: str, actions: list[str]) -> None:
        """Allow these actions on a table, and queries on each of its indexes."""
        arn = self.tables[name].table_arn
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[arn]))
        indexes = [f"{arn}/index/gsi{number}" for number in range(1, INDEXES[name] + 1)]
        if indexes and "dynamodb:Query" in actions:
            function.add_to_role_policy(iam.PolicyStatement(actions=["dynamodb:Query"], resources=indexes))
        self.data_key.grant(function, "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")

    def allow_keys(self, function: lambda_.Function, name: str, action: str, keys: list[str]) -> None:
        """Allow one action on the items of a table whose partition keys are like these."""
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[action],
                resources=[self.tables[name].table_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}},
            )
        )
        self.data_key.grant(function, "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")

    def _logical_id(self, bucket: s3.Bucket) -> str:
        return Stack.of(self).get_logical_id(cast("CfnElement", bucket.node.default_child))

    def _key(self, name: str, protects: str) -> kms.Key:
        return kms.Key(
            self,
            name,
            description=f"Triagelens: {protects}",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )

    def _make_access_logs(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "access-logs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
            removal_policy=self._removal,
        )

    def _bucket(
        self,
        name: str,
        key: kms.IKey,
        *,
        methods: list[s3.HttpMethods],
        locked: bool = False,
        expire_after: Duration | None = None,
        replaced_expire_after: Duration | None = None,
        rules: list[s3.LifecycleRule] | None = None,
    ) -> s3.Bucket:
        lifecycle = s3.LifecycleRule(
            expiration=expire_after,
            noncurrent_version_expiration=replaced_expire_after,
            abort_incomplete_multipart_upload_after=Duration.days(1),
        )
        cors = s3.CorsRule(
            allowed_methods=methods,
            allowed_origins=list(self._config.cors_origins),
            allowed_headers=["*"],
            exposed_headers=["ETag", "x-amz-version-id"],
            max_age=3600,
        )
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            lifecycle_rules=rules or [lifecycle],
            cors=[cors] if self._config.cors_origins and methods else None,
            object_lock_enabled=locked or None,
            object_lock_default_retention=self._retention() if locked else None,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{name}/",
            removal_policy=self._removal,
        )

    def _retention(self) -> s3.ObjectLockRetention:
        """Compliance in production, which neither a person nor a role shortens; governance elsewhere."""
        if self._config.stage == "prod":
            return s3.ObjectLockRetention.compliance(Duration.days(AUDIT_KEPT_DAYS))
        return s3.ObjectLockRetention.governance(Duration.days(AUDIT_KEPT_DAYS_ELSEWHERE))

    def _table(self, name: str, indexes: int) -> dynamodb.Table:
        passing = name == "ephemeral"
        table = dynamodb.Table(
            self,
            name,
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.data_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=not passing
            ),
            time_to_live_attribute=TTL_ATTRIBUTE if passing else None,
            stream=STREAMS.get(name),
            deletion_protection=self._config.retains_data,
            removal_policy=self._removal,
        )
        for number in range(1, indexes + 1):
            table.add_global_secondary_index(
                index_name=f"gsi{number}",
                partition_key=_string(f"gsi{number}pk"),
                sort_key=_string(f"gsi{number}sk"),
                projection_type=dynamodb.ProjectionType.ALL,
            )
        if passing:
            acknowledge(table, "DDB3", "It holds what expires by itself: nothing in it is worth a recovery.")
        return table


def _archives_expire() -> s3.LifecycleRule:
    """What was sent in for an ingestion, and uploads in parts that nobody finished."""
    kept = Duration.days(ARCHIVES_EXPIRE_DAYS)
    return s3.LifecycleRule(
        prefix="archives/",
        expiration=kept,
        noncurrent_version_expiration=kept,
        abort_incomplete_multipart_upload_after=Duration.days(MULTIPART_ABORT_DAYS),
    )


def _exports_expire() -> s3.LifecycleRule:
    """An export can be made again at any time; what it held may have to be erased."""
    return s3.LifecycleRule(
        prefix="exports/",
        expiration=Duration.days(EXPORTS_EXPIRE_DAYS),
        noncurrent_version_expiration=Duration.days(1),
        abort_incomplete_multipart_upload_after=Duration.days(1),
    )


def _former_checkpoints_expire() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        prefix="jobs/",
        noncurrent_version_expiration=Duration.days(MULTIPART_ABORT_DAYS),
        abort_incomplete_multipart_upload_after=Duration.days(1),
    )


def _role(function: lambda_.Function) -> iam.IRole:
    if function.role is None:
        raise TypeError(f"{function.node.path} has no role")
    return function.role


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
