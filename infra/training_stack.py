"""The stack that trains. It needs Docker when it is deployed, and is made only if asked for."""

from aws_cdk import CfnOutput, Stack, Tags
from constructs import Construct

from infra.config import TRAINING_STACK_NAME, Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.storage import Storage
from infra.constructs.training import TrainingMachines
from infra.constructs.training_roles import JobRoles
from infra.constructs.training_watch import TrainingWatch


class TrainingStack(Stack):
    """AWS Batch for trainings and ingestions, and the function that watches over them.

    It stands on the main stack's tables and buckets. The main stack knows its queues by their names alone.
    """

    def __init__(self, scope: Construct, config: Config, storage: Storage) -> None:
        super().__init__(
            scope, TRAINING_STACK_NAME, description=f"Triagelens, training, stage {config.stage}"
        )
        Tags.of(self).add("application", "triagelens")
        Tags.of(self).add("stage", config.stage)
        roles = JobRoles(self, "Roles", storage=storage)
        self.machines = TrainingMachines(
            self,
            "Machines",
            config=config,
            environment=_environment(config, storage),
            training_role=roles.training,
            ingest_role=roles.ingest,
        )
        TrainingWatch(
            self,
            "Watch",
            config=config,
            storage=storage,
            machines=self.machines,
            factory=FunctionFactory(self, "Functions", config=config),
        )
        for kind, queue in {
            "Training": self.machines.training_queue,
            "Ingest": self.machines.ingest_queue,
        }.items():
            CfnOutput(self, f"{kind}Queue", value=queue.job_queue_arn)
        CfnOutput(self, "LogGroup", value=self.machines.log_group.log_group_name)


def _environment(config: Config, storage: Storage) -> dict[str, str]:
    """What a container is told besides the id of its job."""
    return {
        "STAGE": config.stage,
        "REGISTRY_TABLE": storage.tables["registry"].table_name,
        "CASEWORK_TABLE": storage.tables["casework"].table_name,
        "LEARNING_BUCKET": storage.learning.bucket_name,
        "IMAGES_BUCKET": storage.images.bucket_name,
        "MODELS_BUCKET": storage.models.bucket_name,
    }
