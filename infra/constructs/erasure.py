"""Erasing patients: API -> erasure queue -> erase_patient -> the same queue, later; every hour a look."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import MAX_RECEIVE_COUNT
from infra.constructs.functions import FunctionFactory
from infra.constructs.identity import Identity
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import Storage

LOOK_EVERY = Duration.hours(1)
ERASE_OBJECT = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
# Prefixes of what is a patient's, by bucket.
ERASED_PREFIXES = {
    "uploads": ("uploads/",),
    "images": ("working/", "explanations/", "annotations/"),
    "documents": ("reports/", "exports/"),
}


class Erasure(Construct):
    """The one function that removes records and files for good. It reads no photo and writes no object."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        storage: Storage,
        identity: Identity,
        pipeline: Pipeline,
        factory: FunctionFactory,
    ) -> None:
        super().__init__(scope, name)
        self._storage = storage
        self.work = pipeline.work_queue("erasure", "erase_patient")
        self.function = factory.function("erase_patient", self._environment(identity))
        self._permit(identity)
        pipeline.feed(self.function, "erase_patient", self.work)
        events.Rule(
            self,
            "every-hour",
            schedule=events.Schedule.rate(LOOK_EVERY),
            targets=[targets.LambdaFunction(self.function, retry_attempts=0)],
        )

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Erasure": self.work}

    def _environment(self, identity: Identity) -> dict[str, str]:
        tables = ("casework", "registry", "users", "audit")
        return {
            **{f"{table.upper()}_TABLE": self._storage.tables[table].table_name for table in tables},
            "UPLOADS_BUCKET": self._storage.uploads.bucket_name,
            "IMAGES_BUCKET": self._storage.images.bucket_name,
            "DOCUMENTS_BUCKET": self._storage.documents.bucket_name,
            "ERASURE_QUEUE_URL": self.work.queue.queue_url,
            "USER_POOL_ID": identity.pool.user_pool_id,
            "USER_POOL_CLIENT_ID": identity.client.user_pool_client_id,
            "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
        }

    def _permit(self, identity: Identity) -> None:
        storage, function = self._storage, self.function
        reads = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]
        removes = ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"]
        storage.allow_records(function, "casework", [*reads, *removes])
        storage.allow_records(function, "registry", reads)
        storage.allow_records(
            function, "users", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
        )
        storage.allow_records(function, "audit", reads)
        storage.allow_keys(function, "audit", "dynamodb:PutItem", ["ERASURE#*"])
        for name, prefixes in ERASED_PREFIXES.items():
            bucket = getattr(storage, name)
            for prefix in prefixes:
                storage.allow_objects(function, bucket, prefix, ERASE_OBJECT)
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[bucket.bucket_arn])
            )
        identity.pool.grant(function, "cognito-idp:AdminGetUser", "cognito-idp:AdminDeleteUser")
        self.work.queue.grant_send_messages(function)


def may_begin(function: lambda_.Function, storage: Storage, work: WorkQueue) -> None:
    """Let a function begin erasures: write that they began, and send the message."""
    storage.allow_keys(function, "audit", "dynamodb:PutItem", ["ERASURES"])
    work.queue.grant_send_messages(function)
