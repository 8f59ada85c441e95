"""Alarms that reach a person, and the dashboard."""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import METRICS_NAMESPACE
from infra.constructs.api import Api
from infra.constructs.audit import Audit
from infra.constructs.counting import Counting
from infra.constructs.erasure import Erasure
from infra.constructs.exporting import Exporting
from infra.constructs.notifications import Notifications
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.reports import Reports
from infra.constructs.rollout import Rollout
from infra.constructs.webhooks import Webhooks

OLDEST_MESSAGE_S = 300
# One registration may take ten minutes, one export a quarter of an hour.
# A message of an erasure waits a quarter of an hour by design, before its second pass.
# A webhook that does not answer is tried for the better part of a day.
OLDEST_S = {"Reports": 1800, "Registration": 1800, "Erasure": 3600, "Webhooks": 86_400, "Exports": 3600}
EVENTS_BEHIND_MS = 300_000
AUDIT_BEHIND_MS = 3_600_000
# What the functions count themselves, by who counts it.
IMAGE_METRICS = {
    "check_quality": ("ImageAccepted", "ImageRejected", "ImageFailed"),
    "run_inference": ("ImageAnalyzed", "ImageFailed"),
}
FAILURES = ("failure.model_integrity", "failure.no_model", "failure.working_image_gone")
PERIOD = Duration.minutes(5)
# Alarms on what a function counts itself: (function, metric, what it means).
COUNTED_ALARMS = {
    # migrate_user says no by raising: its errors tell nothing.
    "migration-fault": ("migrate_user", "MigrationFault", "A former password could not be checked."),
    "model-integrity": (
        "run_inference",
        "failure.model_integrity",
        "A registered model's bytes are not what was registered.",
    ),
    "canary-reverted": (
        "watch_canary",
        "CanaryReverted",
        "A candidate did worse than production and was taken out.",
    ),
    "webhook-disabled": (
        "deliver_webhooks",
        "WebhookDisabled",
        "A webhook was disabled: it is gone, or does not answer.",
    ),
}


class Operations(Construct):
    """Subscribe to `alarms` to hear of dead letters, slow queues, failing functions and a failing API."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        audit: Audit,
        counting: Counting,
        exporting: Exporting,
        erasure: Erasure,
        notifications: Notifications,
        webhooks: Webhooks,
        pipeline: Pipeline,
        reports: Reports,
        rollout: Rollout,
        api: Api,
    ) -> None:
        super().__init__(scope, name)
        self.alarms = self._topic()
        functions = [
            *pipeline.functions,
            counting.function,
            exporting.function,
            *audit.functions,
            *rollout.functions,
            reports.function,
            *notifications.functions,
            webhooks.function,
            erasure.function,
            api.function,
        ]
        queues = (
            pipeline.queues
            | rollout.queues
            | exporting.queues
            | reports.queues
            | erasure.queues
            | notifications.queues
        )
        queues |= webhooks.queues
        self._alarms_on_queues(queues)
        self._alarms_on_the_stream(pipeline, counting)
        for function in functions:
            errors = function.metric_errors(period=PERIOD, statistic="Sum")
            self._alarm(f"{function.node.id}-errors", errors, 1, f"{function.node.id} raised an error.")
        self._alarms_on_the_audit_trail(audit)
        for alarm, (function_name, metric, text) in COUNTED_ALARMS.items():
            self._alarm(alarm, _counted(function_name, metric), 1, text)
        self._alarm("api-5xx", api.rest.metric_server_error(period=PERIOD), 1, "The API answered 5xx.")
        self._dashboard(pipeline, list(queues.values()), api, functions)

    def _alarms_on_queues(self, queues: Mapping[str, WorkQueue]) -> None:
        for name, work in queues.items():
            oldest_s = OLDEST_S.get(name, OLDEST_MESSAGE_S)
            self._alarm_on_dead_letters(name.lower(), work.dlq)
            self._alarm(
                f"{name.lower()}-slow",
                work.queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum"),
                oldest_s,
                f"A message has waited over {oldest_s} s in the {name.lower()} queue.",
            )

    def _alarms_on_the_stream(self, pipeline: Pipeline, counting: Counting) -> None:
        self._alarm_on_dead_letters("events", pipeline.stream_dlq)
        self._alarm_on_dead_letters("counts", counting.dlq)
        behind = pipeline.publish_events.metric("IteratorAge", period=PERIOD, statistic="Maximum")
        told = "Events are told minutes late; after 20 hours they are given up."
        self._alarm("events-behind", behind, EVENTS_BEHIND_MS, told)

    def _alarms_on_the_audit_trail(self, audit: Audit) -> None:
        touched = _counted("chain_audit", "AuditTouched")
        self._alarm("audit-touched", touched, 1, "Somebody changed or removed an item of the audit trail.")
        behind = audit.chain.metric("IteratorAge", period=PERIOD, statistic="Maximum")
        self._alarm(
            "audit-behind", behind, AUDIT_BEHIND_MS, "Entries are linked late; after 24 hours they are lost."
        )

    def _topic(self) -> sns.Topic:
        """A topic on which this account's alarms may speak: by default they may, but not beside a policy."""
        topic = sns.Topic(self, "alarms", enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        return topic

    def _alarm_on_dead_letters(self, name: str, dlq: sqs.Queue) -> None:
        visible = dlq.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum")
        self._alarm(
            f"{name}-dead-letters", visible, 1, f"The {name} queue has dead letters: see docs/operations.md."
        )

    def _alarm(self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.alarms))

    def _dashboard(
        self,
        pipeline: Pipeline,
        queues: Sequence[WorkQueue],
        api: Api,
        functions: Sequence[lambda_.Function],
    ) -> None:
        dashboard = cloudwatch.Dashboard(self, "dashboard", default_interval=Duration.hours(12))
        dashboard.add_widgets(
            _graph(
                "API",
                [api.rest.metric_count(), api.rest.metric_client_error(), api.rest.metric_server_error()],
            ),
            _graph("API latency (ms)", [api.rest.metric_latency(statistic=s) for s in ("p50", "p99")]),
        )
        dashboard.add_widgets(
            _graph("Invocations", [function.metric_invocations() for function in functions]),
            _graph("Errors", [function.metric_errors() for function in functions]),
            _graph(
                "Duration p95 (ms)", [function.metric_duration(statistic="p95") for function in functions]
            ),
        )
        images = [_counted(function, name) for function, names in IMAGE_METRICS.items() for name in names]
        dashboard.add_widgets(
            _graph("Images", images),
            _graph("Why images fail", [_counted("run_inference", name) for name in FAILURES]),
            _graph(
                "Events behind (ms)", [pipeline.publish_events.metric("IteratorAge", statistic="Maximum")]
            ),
        )
        dashboard.add_widgets(
            _graph("Waiting", [w.queue.metric_approximate_number_of_messages_visible() for w in queues]),
            _graph("Oldest (s)", [w.queue.metric_approximate_age_of_oldest_message() for w in queues]),
            _graph("Dead letters", [w.dlq.metric_approximate_number_of_messages_visible() for w in queues]),
        )


def _counted(function: str, metric: str) -> cloudwatch.Metric:
    """How often a function of ours counted something."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=metric,
        dimensions_map={"service": function},
        period=PERIOD,
        statistic="Sum",
    )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
