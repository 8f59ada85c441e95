"""`watch_training`: hears of every end on Batch's queues, and looks at the open jobs every few minutes."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.config import Config
from infra.constructs.batch_permissions import allow_batch
from infra.constructs.functions import FunctionFactory
from infra.constructs.storage import Storage
from infra.constructs.training import TrainingMachines
from infra.constructs.training_roles import JOB_RECORDS

SWEEP_EVERY = Duration.minutes(5)
STATES = ["RUNNING", "SUCCEEDED", "FAILED"]


class TrainingWatch(Construct):
    """Marks dead jobs failed with the reason; a job that reports for itself is left alone."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        storage: Storage,
        machines: TrainingMachines,
        factory: FunctionFactory,
    ) -> None:
        super().__init__(scope, name)
        self.function = factory.function(
            "watch_training",
            {
                "REGISTRY_TABLE": storage.tables["registry"].table_name,
                "TRAINING_QUEUE": config.batch_name("training"),
                "TRAINING_DEFINITION": config.batch_name("training"),
                "INGEST_QUEUE": config.batch_name("ingest"),
                "INGEST_DEFINITION": config.batch_name("ingest"),
                "JOB_LOG_GROUP": machines.log_group.log_group_name,
            },
        )
        storage.allow_records(self.function, "registry", JOB_RECORDS)
        allow_batch(self.function, config)
        queues = [machines.training_queue.job_queue_arn, machines.ingest_queue.job_queue_arn]
        events.Rule(
            self,
            "state-change",
            description="A training job runs, or its container has ended",
            event_pattern=events.EventPattern(
                source=["aws.batch"],
                detail_type=["Batch Job State Change"],
                detail={"jobQueue": queues, "status": STATES},
            ),
            targets=[targets.LambdaFunction(self.function, retry_attempts=3)],
        )
        events.Rule(
            self,
            "sweep",
            description="Looks at training jobs that nobody reports on",
            schedule=events.Schedule.rate(SWEEP_EVERY),
            targets=[targets.LambdaFunction(self.function, retry_attempts=0)],
        )
