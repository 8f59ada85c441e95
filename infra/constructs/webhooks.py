"""Webhooks: the bus -> webhooks queue -> deliver_webhooks -> webhooks queue, one message for each webhook."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import Storage

# What a webhook can be told of.
TOLD_EVENTS = [
    *(f"image.{status}" for status in ("accepted", "rejected", "analyzed", "failed")),
    *(f"case.{move}" for move in ("created", "amended", "uncertain", "confirmed", "rejected")),
    *(f"report.{status}" for status in ("ready", "failed")),
]
# Eight attempts, and some for faults of our own.
MAX_RECEIVES = 12


class Webhooks(Construct):
    """It reads webhooks and nothing else of the people's table, and opens secrets that the API sealed."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        storage: Storage,
        pipeline: Pipeline,
        factory: FunctionFactory,
    ) -> None:
        super().__init__(scope, name)
        self.key = kms.Key(
            self,
            "webhooks-key",
            description="Triagelens: secrets that sign what webhooks are told",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if config.retains_data else RemovalPolicy.DESTROY,
        )
        self.work = pipeline.work_queue("webhooks", "deliver_webhooks", max_receives=MAX_RECEIVES)
        self.function = self._deliver_webhooks(storage, factory)
        events.Rule(
            self,
            "told-events",
            event_bus=pipeline.bus,
            event_pattern=events.EventPattern(source=["triagelens"], detail_type=TOLD_EVENTS),
            targets=[targets.SqsQueue(self.work.queue)],
        )
        pipeline.feed(self.function, "deliver_webhooks", self.work)

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Webhooks": self.work}

    def _deliver_webhooks(self, storage: Storage, factory: FunctionFactory) -> lambda_.Function:
        function = factory.function(
            "deliver_webhooks",
            {
                "USERS_TABLE": storage.tables["users"].table_name,
                "EPHEMERAL_TABLE": storage.tables["ephemeral"].table_name,
                "WEBHOOKS_QUEUE_URL": self.work.queue.queue_url,
                "WEBHOOK_KEY_ID": self.key.key_id,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVES),
            },
        )
        for action in ("dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem"):
            storage.allow_keys(function, "users", action, ["WEBHOOKS"])
        storage.allow_keys(function, "ephemeral", "dynamodb:GetItem", ["DELIVERY#*"])
        storage.allow_keys(function, "ephemeral", "dynamodb:PutItem", ["DELIVERY#*", "TOLD#*"])
        self.key.grant(function, "kms:Decrypt")
        self.work.queue.grant_send_messages(function)  # feeding it lets it change visibility, too
        return function
