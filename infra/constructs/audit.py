"""The audit trail off the request path: one consumer links entries, another closes and signs days."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.config import Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.storage import WRITE_OBJECT, Storage

# New entries, and any item at all that is changed or removed: nothing ever should be.
ENTRIES = {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "DAY#"}]}}}}
TOUCHED = {"eventName": ["MODIFY", "REMOVE"]}
CLOSE_EVERY = Duration.hours(1)


class Audit(Construct):
    """The table's stream -> chain_audit; every hour -> seal_audit -> a bucket with Object Lock."""

    def __init__(
        self, scope: Construct, name: str, *, config: Config, storage: Storage, factory: FunctionFactory
    ) -> None:
        super().__init__(scope, name)
        self._storage = storage
        self.key = kms.Key(
            self,
            "key",
            description="Triagelens: signatures of the audit trail's days",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN if config.retains_data else RemovalPolicy.DESTROY,
        )
        self.chain = self._chain(factory)
        self.seal = self._seal(factory)
        self.functions = [self.chain, self.seal]

    def _chain(self, factory: FunctionFactory) -> lambda_.Function:
        """In strict order: a batch that fails comes again, and what is after it waits."""
        table = self._storage.tables["audit"]
        function = factory.function("chain_audit", {"AUDIT_TABLE": table.table_name})
        self._allow(function, adds=["CHAIN#*", "CHAINS", "ENTRY#*"], checks=["SEALS"])
        function.add_event_source(
            sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                parallelization_factor=1,
                filters=[lambda_.FilterCriteria.filter(wanted) for wanted in (ENTRIES, TOUCHED)],
            )
        )
        return function

    def _seal(self, factory: FunctionFactory) -> lambda_.Function:
        storage = self._storage
        environment = {
            "AUDIT_TABLE": storage.tables["audit"].table_name,
            "AUDIT_BUCKET": storage.audit.bucket_name,
            "AUDIT_KEY_ID": self.key.key_id,
        }
        function = factory.function("seal_audit", environment)
        self._allow(function, adds=["SEALS"], checks=["CHAIN#*"])
        storage.allow_objects(function, storage.audit, "days/", WRITE_OBJECT)
        self.key.grant(function, "kms:Sign", "kms:GetPublicKey")
        events.Rule(
            self,
            "close",
            description="Closes the audit trail's days that are over",
            schedule=events.Schedule.rate(CLOSE_EVERY),
            targets=[targets.LambdaFunction(function)],
        )
        return function

    def _allow(self, function: lambda_.Function, *, adds: list[str], checks: list[str]) -> None:
        """Read the trail, add items below some keys, make sure of others; change and remove nothing."""
        self._storage.allow_records(function, "audit", ["dynamodb:BatchGetItem", "dynamodb:Query"])
        self._storage.allow_keys(function, "audit", "dynamodb:PutItem", adds)
        self._storage.allow_keys(function, "audit", "dynamodb:ConditionCheckItem", checks)
