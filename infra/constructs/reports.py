"""Reports: the bus -> reports queue -> render_report -> the documents bucket."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import MAX_RECEIVE_COUNT, Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import READ_OBJECT, READ_RECORDS, WRITE_OBJECT, Storage

REQUESTED = ["report.requested"]
# Where a clinic's logo lies, beside the reports.
BRANDING = "branding/"


class Reports(Construct):
    """A request is written by the API and told by the stream, so that none is lost between the two."""

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
        self._config, self._storage = config, storage
        self.work = pipeline.work_queue("reports", "render_report")
        self.function = factory.function("render_report", self._environment(pipeline))
        self._permit(pipeline.explain_image)
        events.Rule(
            self,
            "requested",
            event_bus=pipeline.bus,
            event_pattern=events.EventPattern(source=["triagelens"], detail_type=REQUESTED),
            targets=[targets.SqsQueue(self.work.queue)],
        )
        pipeline.feed(self.function, "render_report", self.work)
        self._mark_dead_letters(pipeline.mark_dead_letters)

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Reports": self.work}

    def _environment(self, pipeline: Pipeline) -> dict[str, str]:
        storage, config = self._storage, self._config
        return {
            "CASEWORK_TABLE": storage.tables["casework"].table_name,
            "USERS_TABLE": storage.tables["users"].table_name,
            "IMAGES_BUCKET": storage.images.bucket_name,
            "DOCUMENTS_BUCKET": storage.documents.bucket_name,
            "EXPLAIN_FUNCTION": pipeline.explain_image.function_name,
            "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
            # The rest is for reading, setting and storing.
            "EVIDENCE_WITHIN_S": str(config.size("render_report").timeout_s // 2),
            "CLINIC_NAME": config.clinic_name,
            "CLINIC_ADDRESS": config.clinic_address,
            "CLINIC_LOGO": f"{BRANDING}{config.clinic_logo}" if config.clinic_logo else "",
            "PORTAL_URL": config.portal_url or "",
        }

    def _permit(self, explain_image: lambda_.Function) -> None:
        storage, function = self._storage, self.function
        writes = ["dynamodb:PutItem", "dynamodb:ConditionCheckItem"]
        storage.allow_records(function, "casework", READ_RECORDS)
        # A report, and its edition beside the case or the patient: no record of these themselves.
        storage.allow_records(function, "casework", writes)
        storage.allow_records(function, "users", ["dynamodb:GetItem"])  # what readers are called
        storage.allow_objects(function, storage.images, "working/", READ_OBJECT)
        storage.allow_objects(function, storage.images, "explanations/", READ_OBJECT)
        storage.allow_objects(function, storage.documents, "reports/", WRITE_OBJECT)
        storage.allow_objects(function, storage.documents, BRANDING, READ_OBJECT)
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[explain_image.function_arn])
        )

    def _mark_dead_letters(self, function: lambda_.Function) -> None:
        """It reads, and leaves the letters where they are."""
        function.add_environment("REPORTS_DLQ_URL", self.work.dlq.queue_url)
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["sqs:ReceiveMessage"], resources=[self.work.dlq.queue_arn])
        )
