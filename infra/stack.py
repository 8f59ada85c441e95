"""The one stack that holds all that is serverless."""

from aws_cdk import CfnOutput, Stack, Tags
from constructs import Construct

from infra.config import STACK_NAME, Config
from infra.constructs.api import Api
from infra.constructs.audit import Audit
from infra.constructs.counting import Counting
from infra.constructs.erasure import Erasure, may_begin
from infra.constructs.exporting import Exporting
from infra.constructs.functions import FunctionFactory
from infra.constructs.identity import Identity
from infra.constructs.notifications import Notifications
from infra.constructs.operations import Operations
from infra.constructs.pipeline import Pipeline
from infra.constructs.reports import Reports
from infra.constructs.rollout import Rollout
from infra.constructs.storage import Storage
from infra.constructs.webhooks import Webhooks


class TriagelensStack(Stack):
    """One stack: a bucket, its queue and its reader in different ones would be a dependency cycle."""

    def __init__(self, scope: Construct, config: Config) -> None:
        super().__init__(scope, STACK_NAME, description=f"Triagelens, stage {config.stage}")
        Tags.of(self).add("application", "triagelens")
        Tags.of(self).add("stage", config.stage)
        self._config = config
        factory = FunctionFactory(self, "Functions", config=config)
        self.storage = Storage(self, "Storage", config=config)
        self.identity = Identity(self, "Identity", config=config, storage=self.storage, factory=factory)
        self.pipeline = Pipeline(self, "Pipeline", config=config, storage=self.storage, factory=factory)
        self._add_what_follows_the_pipeline(factory)
        self.api = self._api(factory)
        may_begin(self.api.function, self.storage, self.erasure.work)
        self._watch()
        for name, value in self._outputs().items():
            CfnOutput(self, name, value=value)

    def _add_what_follows_the_pipeline(self, factory: FunctionFactory) -> None:
        """Everything that hangs on the bus, the stream or a queue of its own."""
        config = self._config
        self.rollout = Rollout(
            self,
            "Rollout",
            config=config,
            storage=self.storage,
            factory=factory,
            pipeline=self.pipeline,
        )
        self.counting = Counting(
            self, "Counting", storage=self.storage, pipeline=self.pipeline, factory=factory
        )
        self.exporting = Exporting(
            self,
            "Exporting",
            config=config,
            storage=self.storage,
            pipeline=self.pipeline,
            factory=factory,
        )
        self.erasure = Erasure(
            self,
            "Erasure",
            storage=self.storage,
            identity=self.identity,
            pipeline=self.pipeline,
            factory=factory,
        )
        self.notifications = Notifications(
            self,
            "Notifications",
            config=config,
            storage=self.storage,
            factory=factory,
            pipeline=self.pipeline,
        )
        self.webhooks = Webhooks(
            self,
            "Webhooks",
            config=config,
            storage=self.storage,
            pipeline=self.pipeline,
            factory=factory,
        )
        self.reports = Reports(
            self,
            "Reports",
            config=config,
            storage=self.storage,
            pipeline=self.pipeline,
            factory=factory,
        )
        self.audit = Audit(self, "Audit", config=config, storage=self.storage, factory=factory)

    def _api(self, factory: FunctionFactory) -> Api:
        return Api(
            self,
            "Api",
            config=self._config,
            storage=self.storage,
            pipeline=self.pipeline,
            replay=self.rollout.replay.queue,
            exports=self.exporting.work.queue,
            erasure=self.erasure.work.queue,
            webhook_key=self.webhooks.key,
            identity=self.identity,
            factory=factory,
        )

    def _watch(self) -> None:
        Operations(
            self,
            "Operations",
            audit=self.audit,
            counting=self.counting,
            exporting=self.exporting,
            erasure=self.erasure,
            notifications=self.notifications,
            webhooks=self.webhooks,
            pipeline=self.pipeline,
            reports=self.reports,
            rollout=self.rollout,
            api=self.api,
        )

    def _outputs(self) -> dict[str, str]:
        outputs = {
            "ApiUrl": self.api.url,
            "UserPoolId": self.identity.pool.user_pool_id,
            "UserPoolClientId": self.identity.client.user_pool_client_id,
            "OldAppsClientId": self.identity.old_apps_client.user_pool_client_id,
            "UploadsBucket": self.storage.uploads.bucket_name,
            "ImagesBucket": self.storage.images.bucket_name,
            "ModelsBucket": self.storage.models.bucket_name,
            "AuditBucket": self.storage.audit.bucket_name,
            "AuditKeyId": self.audit.key.key_id,
            "DocumentsBucket": self.storage.documents.bucket_name,
            "LearningBucket": self.storage.learning.bucket_name,
            "EventBusName": self.pipeline.bus.event_bus_name,
            "EventsDlqUrl": self.pipeline.stream_dlq.queue_url,
            "CountsDlqUrl": self.counting.dlq.queue_url,
            "CountRecordsFunction": self.counting.function.function_name,
            "PublishEventsFunction": self.pipeline.publish_events.function_name,
            "SigningKeyId": self.storage.signing_key.key_id,
            "WatchCanaryFunction": self.rollout.watch_canary.function_name,
        }
        for name, table in self.storage.tables.items():
            outputs[f"{name.capitalize()}Table"] = table.table_name
        queues = (
            self.pipeline.queues
            | self.rollout.queues
            | self.exporting.queues
            | self.reports.queues
            | self.erasure.queues
            | self.notifications.queues
            | self.webhooks.queues
        )
        for name, work in queues.items():
            outputs[f"{name}QueueUrl"] = work.queue.queue_url
            outputs[f"{name}DlqUrl"] = work.dlq.queue_url
        return outputs
