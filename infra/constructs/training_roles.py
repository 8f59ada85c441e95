"""What jobs may do: a training reads snapshots and hands a model over, an ingestion makes snapshots."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.storage import (
    DELETE_OBJECT,
    INDEXES,
    MULTIPART,
    READ_OBJECT,
    READ_RECORDS,
    TELL_MISSING,
    WRITE_OBJECT,
    WRITE_RECORDS,
    Storage,
)

# A job that ends leaves the list of the open ones.
JOB_RECORDS = sorted({*READ_RECORDS, *WRITE_RECORDS, "dynamodb:DeleteItem"})


class JobRoles(Construct):
    """Roles of the containers. No job can read an original, a person's record or the audit trail."""

    def __init__(self, scope: Construct, name: str, *, storage: Storage) -> None:
        super().__init__(scope, name)
        self._storage = storage
        self.training = self._role("training")
        self._objects(self.training, storage.learning, ["datasets/", "snapshots/", "jobs/"], READ_OBJECT)
        self._objects(self.training, storage.learning, ["jobs/"], [*WRITE_OBJECT, *DELETE_OBJECT, *MULTIPART])
        self._objects(self.training, storage.images, ["working/"], READ_OBJECT)
        self._objects(self.training, storage.models, ["models/", "incoming/"], READ_OBJECT)
        self._objects(self.training, storage.models, ["incoming/"], [*WRITE_OBJECT, *MULTIPART])
        self.ingest = self._role("ingest")
        self._objects(self.ingest, storage.learning, ["archives/", "datasets/", "snapshots/"], READ_OBJECT)
        self._objects(self.ingest, storage.learning, ["datasets/", "snapshots/"], [*WRITE_OBJECT, *MULTIPART])
        self._objects(self.ingest, storage.images, ["working/"], READ_OBJECT)
        self._records(self.ingest, "casework", READ_RECORDS)
        # Which of the platform's images are in a snapshot is noted many at a time.
        self._records(self.ingest, "registry", ["dynamodb:BatchWriteItem"])

    def _exported_name(self, bucket: s3.Bucket) -> str:
        """Under which name the main stack tells this one the bucket's ARN."""
        told = Stack.of(self._storage).export_value(bucket.bucket_arn)
        name: str = Stack.of(self).resolve(told)["Fn::ImportValue"]
        return name

    def _role(self, kind: str) -> iam.Role:
        role = iam.Role(
            self,
            kind,
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description=f"What a job of the {kind} queue may do",
        )
        self._records(role, "registry", JOB_RECORDS)
        key = self._storage.data_key.key_arn
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], resources=[key]
            )
        )
        return role

    def _records(self, role: iam.Role, table: str, actions: Sequence[str]) -> None:
        arn = self._storage.tables[table].table_arn
        indexes = [f"{arn}/index/gsi{number}" for number in range(1, INDEXES[table] + 1)]
        role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[arn]))
        if indexes:
            role.add_to_policy(iam.PolicyStatement(actions=["dynamodb:Query"], resources=indexes))

    def _objects(
        self, role: iam.Role, bucket: s3.Bucket, prefixes: Sequence[str], actions: Sequence[str]
    ) -> None:
        resources = [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        exported = self._exported_name(bucket)
        for prefix in prefixes:
            acknowledge(
                role,
                f"IAM5[Resource::{exported}/{prefix}*]",
                "One prefix of one bucket; the keys below it are made at run time.",
            )
        role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=resources))
        if READ_OBJECT[0] in actions:
            role.add_to_policy(iam.PolicyStatement(actions=TELL_MISSING, resources=[bucket.bucket_arn]))
