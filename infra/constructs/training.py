"""AWS Batch for trainings on GPUs and for ingestions: machines, queues, job definitions."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, IgnoreMode, RemovalPolicy, Size, Stack, Tags
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import ROOT, Config
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.training_network import TrainingNetwork

# One GPU each, 4 or 8 CPUs, 16 GB of memory at least.
GPU_MACHINES = ("g6.xlarge", "g6.2xlarge", "g5.xlarge", "g5.2xlarge", "g4dn.xlarge", "g4dn.2xlarge")
GPU_CPUS_AT_ONCE = 16
GPU_JOB_CPUS, GPU_JOB_MEMORY_MIB = 4, 14_000  # what ECS leaves of the smallest machine
SHARED_MEMORY_MIB = 4096  # for the processes that prepare batches
GPU_DISK_GIB = 150
TRAINING_HOURS = 24
ATTEMPTS = 5  # machines lost one after the other, before a training is given up
INGEST_CPUS, INGEST_MEMORY_MIB, INGEST_DISK_GIB = 4, 16_384, 200
INGEST_CPUS_AT_ONCE = 16
INGEST_HOURS = 12
# AWS's PyTorch training container for machines with GPUs. Its account is the same in most regions;
# elsewhere say `-c training_base_image=...`.
BASE_IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-gpu-py312-cu130-ubuntu22.04-ec2"
)
# What the image is made of; nothing else of the repository is sent to Docker.
IMAGE_SOURCES = (
    "training_job",
    "layers/core/python/triagelens",
    "requirements/training.txt",
)
RUN = ["run", "Ref::job_id"]
NO_JOB = "none"  # no record is called so


class TrainingMachines(Construct):
    """Two queues of fixed names, each with a job definition of the same name.

    Trainings run on Spot GPUs, and on demand where no Spot machine is to be had; ingestions on Fargate.
    Nothing runs, and nothing is paid, while no job is queued.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: Config,
        environment: Mapping[str, str],
        training_role: iam.Role,
        ingest_role: iam.Role,
    ) -> None:
        super().__init__(scope, name)
        self._config = config
        self._environment = {**environment, "AWS_REGION": Stack.of(self).region}
        self._network = TrainingNetwork(self, "network")
        self._template = self._launch_template()
        self._instance_role = self._machines_role()
        self.log_group = self._log_group()
        self._image = ecs.ContainerImage.from_docker_image_asset(self._image_asset())
        spot, on_demand = self._gpus("spot", spot=True), self._gpus("on-demand", spot=False)
        self.training_queue = self._queue("training", [spot, on_demand])
        self.training_definition = self._training_definition(training_role)
        self.ingest_queue = self._queue("ingest", [self._fargate()])
        self.ingest_definition = self._ingest_definition(ingest_role)

    def _image_asset(self) -> ecr_assets.DockerImageAsset:
        """Docker builds it when the stack is deployed, not when the template is made."""
        return ecr_assets.DockerImageAsset(
            self,
            "image",
            directory=str(ROOT),
            file="training_job/Dockerfile",
            platform=ecr_assets.Platform.LINUX_AMD64,
            build_args={"BASE": str(self.node.try_get_context("training_base_image") or BASE_IMAGE)},
            ignore_mode=IgnoreMode.DOCKER,
            exclude=["*", *(f"!{source}" for source in IMAGE_SOURCES), "**/__pycache__", "**/*.pyc"],
        )

    def _launch_template(self) -> ec2.LaunchTemplate:
        """An encrypted disk that holds the image, and no way from a container to the machine's own role."""
        disk = ec2.BlockDeviceVolume.ebs(
            GPU_DISK_GIB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3, delete_on_termination=True
        )
        return ec2.LaunchTemplate(
            self,
            "launch-template",
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            block_devices=[ec2.BlockDevice(device_name="/dev/xvda", volume=disk)],
        )

    def _machines_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "machines-role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="What a machine of the GPU queue needs to take containers: not what jobs may do",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonEC2ContainerServiceforEC2Role"
                )
            ],
        )
        acknowledge(
            role,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
            "AWS's own policy for machines that ECS gives containers to; jobs have roles of their own.",
        )
        return role

    def _gpus(self, name: str, *, spot: bool) -> batch.ManagedEc2EcsComputeEnvironment:
        strategy = batch.AllocationStrategy
        made = batch.ManagedEc2EcsComputeEnvironment(
            self,
            f"gpus-{name}",
            vpc=self._network.vpc,
            vpc_subnets=self._network.subnets,
            security_groups=[self._network.security_group],
            spot=spot,
            allocation_strategy=strategy.SPOT_CAPACITY_OPTIMIZED if spot else strategy.BEST_FIT_PROGRESSIVE,
            instance_types=[ec2.InstanceType(machine) for machine in GPU_MACHINES],
            use_optimal_instance_classes=False,
            images=[batch.EcsMachineImage(image_type=batch.EcsMachineImageType.ECS_AL2023_NVIDIA)],
            instance_role=self._instance_role,
            launch_template=self._template,
            minv_cpus=0,
            maxv_cpus=GPU_CPUS_AT_ONCE,
            replace_compute_environment=False,
            update_to_latest_image_version=True,
        )
        Tags.of(made).add("queue", "training")
        return made

    def _fargate(self) -> batch.FargateComputeEnvironment:
        return batch.FargateComputeEnvironment(
            self,
            "cpus",
            vpc=self._network.vpc,
            vpc_subnets=self._network.subnets,
            security_groups=[self._network.security_group],
            maxv_cpus=INGEST_CPUS_AT_ONCE,
            replace_compute_environment=False,
        )

    def _queue(self, kind: str, environments: Sequence[batch.IComputeEnvironment]) -> batch.JobQueue:
        """A queue that asks its compute environments in their order."""
        return batch.JobQueue(
            self,
            f"{kind}-queue",
            job_queue_name=self._config.batch_name("training" if kind == "training" else "ingest"),
            compute_environments=[
                batch.OrderedComputeEnvironment(compute_environment=made, order=order)
                for order, made in enumerate(environments, start=1)
            ],
        )

    def _training_definition(self, role: iam.Role) -> batch.EcsJobDefinition:
        container = batch.EcsEc2ContainerDefinition(
            self,
            "training-container",
            image=self._image,
            command=RUN,
            gpu=1,
            cpu=GPU_JOB_CPUS,
            memory=Size.mebibytes(GPU_JOB_MEMORY_MIB),
            environment=self._environment,
            job_role=role,
            execution_role=self._execution_role("training"),
            logging=self._log_driver("training"),
            linux_parameters=batch.LinuxParameters(
                self,
                "shared-memory",
                init_process_enabled=True,
                shared_memory_size=Size.mebibytes(SHARED_MEMORY_MIB),
            ),
        )
        return batch.EcsJobDefinition(
            self,
            "training-definition",
            job_definition_name=self._config.batch_name("training"),
            container=container,
            parameters={"job_id": NO_JOB},
            propagate_tags=True,
            retry_attempts=ATTEMPTS,
            retry_strategies=_only_lost_machines(),
            timeout=Duration.hours(TRAINING_HOURS),
        )

    def _ingest_definition(self, role: iam.Role) -> batch.EcsJobDefinition:
        container = batch.EcsFargateContainerDefinition(
            self,
            "ingest-container",
            image=self._image,
            command=RUN,
            cpu=INGEST_CPUS,
            memory=Size.mebibytes(INGEST_MEMORY_MIB),
            ephemeral_storage_size=Size.gibibytes(INGEST_DISK_GIB),
            assign_public_ip=True,
            fargate_cpu_architecture=ecs.CpuArchitecture.X86_64,
            fargate_operating_system_family=ecs.OperatingSystemFamily.LINUX,
            environment=self._environment,
            job_role=role,
            execution_role=self._execution_role("ingest"),
            logging=self._log_driver("ingest"),
        )
        return batch.EcsJobDefinition(
            self,
            "ingest-definition",
            job_definition_name=self._config.batch_name("ingest"),
            container=container,
            parameters={"job_id": NO_JOB},
            propagate_tags=True,
            retry_attempts=1,
            timeout=Duration.hours(INGEST_HOURS),
        )

    def _execution_role(self, kind: str) -> iam.Role:
        """What starts the container: fetches the image, opens the log. The container does not have it."""
        role = iam.Role(
            self,
            f"{kind}-execution-role",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            description=f"Starts the containers of the {kind} queue",
        )
        acknowledge(role, "IAM5[Resource::*]", "ecr:GetAuthorizationToken knows no resource.")
        return role

    def _log_driver(self, kind: str) -> ecs.LogDriver:
        return ecs.LogDriver.aws_logs(stream_prefix=kind, log_group=self.log_group)

    def _log_group(self) -> logs.LogGroup:
        prod = self._config.stage == "prod"
        return logs.LogGroup(
            self,
            "logs",
            log_group_name=f"/triagelens/{self._config.stage}/training",
            retention=logs.RetentionDays.ONE_YEAR if prod else logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.RETAIN if prod else RemovalPolicy.DESTROY,
        )


def _only_lost_machines() -> list[batch.RetryStrategy]:
    """A job whose machine was taken away starts again; whatever else ends it would end it again."""
    exits = [batch.Reason.custom(on_reason="*"), batch.Reason.custom(on_exit_code="*")]
    return [
        batch.RetryStrategy.of(batch.Action.RETRY, batch.Reason.SPOT_INSTANCE_RECLAIMED),
        *(batch.RetryStrategy.of(batch.Action.EXIT, reason) for reason in exits),
    ]
