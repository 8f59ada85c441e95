"""Telling people by e-mail: the bus -> notifications queue -> notify -> SES."""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from constructs import Construct

from infra.config import MAX_RECEIVE_COUNT, Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import Storage

TOLD_EVENTS = ["image.analyzed", "image.rejected", "case.created", "case.uncertain", "report.ready"]


class Notifications(Construct):
    """Without a sender (`-c mail_from=...`) the function only counts what it would have sent."""

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
        self.notifications = pipeline.work_queue("notifications", "notify")
        self.notify = self._notify()
        events.Rule(
            self,
            "told-events",
            event_bus=pipeline.bus,
            event_pattern=events.EventPattern(source=["triagelens"], detail_type=TOLD_EVENTS),
            targets=[targets.SqsQueue(self.notifications.queue)],
        )
        pipeline.feed(self.notify, "notify", self.notifications)

    @property
    def functions(self) -> list[lambda_.Function]:
        return [self.notify]

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Notifications": self.notifications}

    def _notify(self) -> lambda_.Function:
        config, storage = self._config, self._storage
        given = {
            "MAIL_FROM": config.mail_from,
            "CASE_MAIL_TO": ",".join(config.case_mail_to) or None,
            "PORTAL_URL": config.portal_url,
        }
        function = self._factory.function(
            "notify",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "USERS_TABLE": storage.tables["users"].table_name,
                "EPHEMERAL_TABLE": storage.tables["ephemeral"].table_name,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
                "VISIBILITY_TIMEOUT_S": str(config.visibility_timeout_s("notify")),
                **{key: value for key, value in given.items() if value is not None},
            },
        )
        storage.allow_keys(function, "casework", "dynamodb:GetItem", ["IMG#*", "CASE#*", "PAT#*"])
        storage.allow_records(function, "users", ["dynamodb:GetItem", "dynamodb:Query"])
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            storage.allow_keys(function, "ephemeral", action, ["DELIVERY#*"])
        if config.mail_from is not None:
            self._allow_mails(function, config.mail_from)
        return function

    def _allow_mails(self, function: lambda_.Function, sender: str) -> None:
        """Allow mails from this one address, by its own identity or its domain's, both verified by hand."""
        if self._config.stage == "laptop":
            # The laptop cloud refuses a role that names an identity, and verifies none by mail.
            ses.CfnEmailIdentity(self, "sender", email_identity=sender)
            function.add_to_role_policy(iam.PolicyStatement(actions=["ses:SendEmail"], resources=["*"]))
            return
        identities = [sender, sender.partition("@")[2]]
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail"],
                resources=[
                    Stack.of(self).format_arn(service="ses", resource="identity", resource_name=identity)
                    for identity in identities
                ],
                conditions={"StringEquals": {"ses:FromAddress": sender}},
            )
        )
