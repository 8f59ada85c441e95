"""What serves a model after it is registered: shadow replays, and the watch on a candidate."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import MAX_RECEIVE_COUNT, Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import READ_OBJECT, Storage

# A bad candidate answers for about this long once it has shown that it is bad.
WATCHED_EVERY = Duration.minutes(1)


class Rollout(Construct):
    """API -> replay queue -> replay_model -> replay queue ...; every minute -> watch_canary."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        storage: Storage,
        factory: FunctionFactory,
        pipeline: Pipeline,
    ) -> None:
        super().__init__(scope, name)
        self._config, self._storage, self._factory = config, storage, factory
        self.replay = pipeline.work_queue("replay", "replay_model")
        self.watch_canary = self._watch_canary()
        self.functions = [self._replay_model(pipeline), self.watch_canary]

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Replay": self.replay}

    def _replay_model(self, pipeline: Pipeline) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "replay_model",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "REGISTRY_TABLE": storage.tables["registry"].table_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "MODELS_BUCKET": storage.models.bucket_name,
                "SIGNING_KEY_ID": storage.signing_key.key_arn,
                "REPLAY_QUEUE_URL": self.replay.queue.queue_url,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
                "ORT_THREADS": str(self._config.size("replay_model").threads),
            },
        )
        storage.allow_records(function, "casework", ["dynamodb:Query"])
        storage.allow_records(function, "registry", ["dynamodb:GetItem", "dynamodb:PutItem"])
        storage.allow_objects(function, storage.images, "working/", READ_OBJECT)
        storage.allow_objects(function, storage.models, "models/", READ_OBJECT)
        storage.signing_key.grant(function, "kms:Verify")
        self.replay.queue.grant_send_messages(function)
        pipeline.feed(function, "replay_model", self.replay)
        return function

    def _watch_canary(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "watch_canary",
            {
                f"{table.upper()}_TABLE": storage.tables[table].table_name
                for table in ("registry", "ephemeral", "audit")
            },
        )
        storage.allow_records(function, "registry", ["dynamodb:GetItem", "dynamodb:PutItem"])
        storage.allow_records(function, "ephemeral", ["dynamodb:Query"])
        storage.allow_keys(function, "audit", "dynamodb:PutItem", ["DAY#*"])
        events.Rule(
            self,
            "every-minute",
            schedule=events.Schedule.rate(WATCHED_EVERY),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        return function
