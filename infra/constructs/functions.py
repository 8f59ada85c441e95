"""Makes every Lambda function and layer of the stack the same way."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import METRICS_NAMESPACE, Config
from infra.constructs.acknowledgements import ANY_RESOURCE, acknowledge
from infra.constructs.bundle import Bundle

LAYERS_OF = {
    "clinic_api": ("core", "web"),
    "check_quality": ("core", "opencv"),
    "run_inference": ("core", "onnxruntime", "models"),
    "explain_image": ("core", "onnxruntime", "models"),
    "mark_dead_letters": ("core",),
    "publish_events": ("core",),
    "count_records": ("core",),
    "export_records": ("core",),
    "chain_audit": ("core",),
    "migrate_user": ("core", "bcrypt"),
    "seal_audit": ("core",),
    "rank_cases": ("core",),
    "watch_training": ("core",),
    "register_model": ("core", "onnxruntime", "models"),
    "replay_model": ("core", "onnxruntime"),
    "watch_canary": ("core",),
    "render_report": ("core", "report"),
    "notify": ("core",),
    "deliver_webhooks": ("core",),
    "erase_patient": ("core",),
}


class FunctionFactory(Construct):
    """Builds functions from `functions/<package>` and each layer once."""

    def __init__(self, scope: Construct, name: str, *, config: Config) -> None:
        super().__init__(scope, name)
        self._config = config
        self._runtime = lambda_.Runtime(
            f"python{config.platform.python}", lambda_.RuntimeFamily.PYTHON, supports_snap_start=True
        )
        self._architecture = (
            lambda_.Architecture.ARM_64
            if config.platform.architecture == "arm64"
            else lambda_.Architecture.X86_64
        )
        self._layers: dict[str, lambda_.LayerVersion] = {}

    def function(
        self, package: str, environment: Mapping[str, str], *, snap_start: bool = False
    ) -> lambda_.Function:
        """The function of one package: own role, own log group, sized by the configuration."""
        size = self._config.size(package)
        traced = self._config.has("tracing")
        reserve = self._config.has("reserved_concurrency") and self._config.reserve_concurrency
        role, log_group = self._role(package), self._log_group(package)
        log_group.grant_write(role)
        function = lambda_.Function(
            self,
            package,
            runtime=self._runtime,
            architecture=self._architecture,
            handler=f"{package}.handler.handler",
            code=Bundle.of_function(package, self._config.platform).code(),
            layers=self._layers_named(LAYERS_OF[package]),
            role=role,
            log_group=log_group,
            memory_size=size.memory_mb,
            timeout=Duration.seconds(size.timeout_s),
            reserved_concurrent_executions=size.concurrency if reserve else None,
            tracing=lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.DISABLED,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            environment={
                "STAGE": self._config.stage,
                "OMP_NUM_THREADS": str(size.threads),
                "POWERTOOLS_SERVICE_NAME": package,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **({} if traced else {"POWERTOOLS_TRACE_DISABLED": "true"}),
                **environment,
            },
        )
        acknowledge(function, "L1", "Layers are locked, built and tested for Python 3.13.")
        return function

    def _layers_named(self, names: Sequence[str]) -> list[lambda_.ILayerVersion]:
        return [self._layer(name) for name in names]

    def _layer(self, name: str) -> lambda_.LayerVersion:
        if name not in self._layers:
            self._layers[name] = lambda_.LayerVersion(
                self,
                f"layer-{name}",
                code=Bundle.of_layer(name, self._config.platform).code(),
                compatible_runtimes=[self._runtime],
                compatible_architectures=[self._architecture],
                description=f"Triagelens: {name}",
            )
        return self._layers[name]

    def _role(self, package: str) -> iam.Role:
        role = iam.Role(
            self,
            f"{package}-role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Execution role of {package}",
        )
        acknowledge(role, ANY_RESOURCE, "X-Ray's actions, and dynamodb:ListStreams, know no resource.")
        return role

    def _log_group(self, package: str) -> logs.LogGroup:
        prod = self._config.stage == "prod"
        return logs.LogGroup(
            self,
            f"{package}-logs",
            retention=logs.RetentionDays.ONE_YEAR if prod else logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.RETAIN if prod else RemovalPolicy.DESTROY,
        )
