"""The way of an image and of a model: notifications, queues and the functions that work on them."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import DLQ_RETENTION_DAYS, MAX_RECEIVE_COUNT, QUEUE_RETENTION_DAYS, Config
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.functions import FunctionFactory
from infra.constructs.queues import BATCH_SIZE, WorkQueue, notify
from infra.constructs.storage import (
    DELETE_OBJECT,
    READ_OBJECT,
    READ_RECORDS,
    WRITE_OBJECT,
    WRITE_RECORDS,
    Storage,
)

# What changes a case's place in the review queue. A label takes it out in its own transaction.
RANKED_EVENTS = ["image.analyzed", "case.created", "case.amended", "case.rejected"]
# Only changes of images', cases' and reports' own records are events; what hangs on them is not.
EVENT_RECORDS = {
    "dynamodb": {
        "Keys": {
            "pk": {"S": [{"prefix": "IMG#"}, {"prefix": "CASE#"}, {"prefix": "REPORT#"}]},
            "sk": {"S": ["META"]},
        }
    }
}

# Of the API's 29 seconds; loading a model and drawing take a few.
OCCLUSION_BUDGET_S = 15
# A stream keeps its records for 24 hours; what is left is for the redrive of their positions.
STREAM_RETRY_HOURS = 20


class Pipeline(Construct):
    """S3 -> quality queue -> check_quality -> inference queue -> run_inference; the stream -> publish_events;
    S3 -> registration queue -> register_model; the bus -> review queue -> rank_cases."""

    def __init__(
        self, scope: Construct, name: str, *, config: Config, storage: Storage, factory: FunctionFactory
    ) -> None:
        super().__init__(scope, name)
        self._config, self._storage, self._factory = config, storage, factory
        self.bus = events.EventBus(self, "bus", description="What happened to images, cases and models")
        self.quality = self.work_queue("quality", "check_quality")
        self.inference = self.work_queue("inference", "run_inference")
        self.registration = self.work_queue("registration", "register_model")
        self.review = self.work_queue("review", "rank_cases")
        self.stream_dlq = self.dead_letters("events")
        acknowledge(self.stream_dlq, "SQS3", "It is the dead-letter queue, of the stream's event source.")
        notify(storage.uploads, self.quality.queue, prefix="uploads/")
        notify(storage.models, self.registration.queue, prefix="incoming/", suffix="/manifest.json")
        self.publish_events = self._publish_events()
        self.explain_image = self._explain_image()
        self.mark_dead_letters = self._mark_dead_letters()
        self.functions = [
            self._check_quality(),
            self._run_inference(),
            self.publish_events,
            self.mark_dead_letters,
            self.explain_image,
            self._register_model(),
            self._rank_cases(),
        ]

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {
            "Quality": self.quality,
            "Inference": self.inference,
            "Registration": self.registration,
            "Review": self.review,
        }

    def work_queue(self, name: str, worker: str, *, max_receives: int = MAX_RECEIVE_COUNT) -> WorkQueue:
        """A queue with its dead letters, for a function of that package."""
        dlq = self.dead_letters(name)
        queue = sqs.Queue(
            self,
            f"{name}-queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(self._config.visibility_timeout_s(worker)),
            retention_period=Duration.days(QUEUE_RETENTION_DAYS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dlq, max_receive_count=max_receives),
        )
        return WorkQueue(queue, dlq)

    def dead_letters(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            f"{name}-dlq",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(DLQ_RETENTION_DAYS),
        )

    def feed(self, function: lambda_.Function, package: str, work: WorkQueue) -> None:
        """Let the function work on the queue's messages."""
        function.add_event_source(
            sources.SqsEventSource(
                work.queue,
                batch_size=BATCH_SIZE[package],
                max_concurrency=self._config.size(package).concurrency,
                report_batch_item_failures=True,
            )
        )

    def _check_quality(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "check_quality",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "UPLOADS_BUCKET": storage.uploads.bucket_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "INFERENCE_QUEUE_URL": self.inference.queue.queue_url,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
            },
        )
        storage.allow_records(function, "casework", WRITE_RECORDS)
        storage.allow_objects(function, storage.uploads, "uploads/", READ_OBJECT)
        storage.allow_objects(function, storage.images, "working/", [*WRITE_OBJECT, *DELETE_OBJECT])
        # Of a patient who was erased meanwhile not even a former version may stay.
        storage.allow_objects(function, storage.images, "working/", ["s3:DeleteObjectVersion"])
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[storage.images.bucket_arn])
        )
        self.inference.queue.grant_send_messages(function)
        self.feed(function, "check_quality", self.quality)
        return function

    def _run_inference(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "run_inference",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "REGISTRY_TABLE": storage.tables["registry"].table_name,
                "EPHEMERAL_TABLE": storage.tables["ephemeral"].table_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "MODELS_BUCKET": storage.models.bucket_name,
                "SIGNING_KEY_ID": storage.signing_key.key_arn,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
                "ORT_THREADS": str(self._config.size("run_inference").threads),
            },
        )
        storage.allow_records(function, "casework", WRITE_RECORDS)
        storage.allow_records(function, "registry", READ_RECORDS)
        storage.allow_records(function, "ephemeral", ["dynamodb:UpdateItem"])  # the tally of a trial
        storage.allow_objects(function, storage.images, "working/", READ_OBJECT)
        storage.allow_objects(function, storage.models, "models/", READ_OBJECT)
        storage.signing_key.grant(function, "kms:Verify")
        self.feed(function, "run_inference", self.inference)
        return function

    def _publish_events(self) -> lambda_.Function:
        casework = self._storage.tables["casework"]
        function = self._factory.function(
            "publish_events",
            {
                "EVENT_BUS_NAME": self.bus.event_bus_name,
                "DEAD_LETTERS_URL": self.stream_dlq.queue_url,
            },
        )
        self.bus.grant_put_events_to(function)
        self.stream_dlq.grant_send_messages(function)
        function.add_event_source(
            sources.DynamoEventSource(
                casework,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                # As often as the stream lets us: a bus that is away for hours loses nothing.
                max_record_age=Duration.hours(STREAM_RETRY_HOURS),
                on_failure=sources.SqsDlq(self.stream_dlq),
                filters=[lambda_.FilterCriteria.filter(EVENT_RECORDS)],
            )
        )
        return function

    def _explain_image(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "explain_image",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "REGISTRY_TABLE": storage.tables["registry"].table_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "MODELS_BUCKET": storage.models.bucket_name,
                "SIGNING_KEY_ID": storage.signing_key.key_arn,
                "ORT_THREADS": str(self._config.size("explain_image").threads),
                "OCCLUSION_BUDGET_S": str(OCCLUSION_BUDGET_S),
            },
        )
        storage.allow_records(function, "casework", ["dynamodb:GetItem"])
        storage.allow_records(function, "registry", READ_RECORDS)
        storage.allow_objects(function, storage.images, "working/", READ_OBJECT)
        storage.allow_objects(function, storage.images, "explanations/", [*READ_OBJECT, *WRITE_OBJECT])
        storage.allow_objects(function, storage.models, "models/", READ_OBJECT)
        storage.signing_key.grant(function, "kms:Verify")
        return function

    def _mark_dead_letters(self) -> lambda_.Function:
        function = self._factory.function(
            "mark_dead_letters",
            {
                "CASEWORK_TABLE": self._storage.tables["casework"].table_name,
                "QUALITY_DLQ_URL": self.quality.dlq.queue_url,
                "INFERENCE_DLQ_URL": self.inference.dlq.queue_url,
            },
        )
        self._storage.allow_records(function, "casework", WRITE_RECORDS)
        for work in (self.quality, self.inference):
            # It reads, and leaves the letters where they are.
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["sqs:ReceiveMessage"], resources=[work.dlq.queue_arn])
            )
        events.Rule(
            self,
            "every-five-minutes",
            schedule=events.Schedule.rate(Duration.minutes(5)),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        return function

    def _register_model(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "register_model",
            {
                "REGISTRY_TABLE": storage.tables["registry"].table_name,
                "MODELS_BUCKET": storage.models.bucket_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "LEARNING_BUCKET": storage.learning.bucket_name,
                "AUDIT_TABLE": storage.tables["audit"].table_name,
                "SIGNING_KEY_ID": storage.signing_key.key_arn,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
                **self._config.registration_limits,
            },
        )
        storage.allow_records(function, "registry", [*WRITE_RECORDS, "dynamodb:Query"])
        storage.allow_keys(function, "audit", "dynamodb:PutItem", ["DAY#*"])
        storage.allow_objects(function, storage.models, "incoming/", READ_OBJECT)
        storage.allow_objects(function, storage.models, "models/", [*READ_OBJECT, *WRITE_OBJECT])
        # The holdout's images, and the snapshots that tell which they are.
        storage.allow_objects(function, storage.images, "working/", READ_OBJECT)
        storage.allow_objects(function, storage.learning, "datasets/", READ_OBJECT)
        storage.allow_objects(function, storage.learning, "snapshots/", READ_OBJECT)
        storage.signing_key.grant(function, "kms:Sign", "kms:Verify")
        self.feed(function, "register_model", self.registration)
        return function

    def _rank_cases(self) -> lambda_.Function:
        storage = self._storage
        function = self._factory.function(
            "rank_cases",
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
            },
        )
        storage.allow_records(
            function, "casework", sorted({*READ_RECORDS, *WRITE_RECORDS, "dynamodb:DeleteItem"})
        )
        events.Rule(
            self,
            "ranked-events",
            event_bus=self.bus,
            event_pattern=events.EventPattern(source=["triagelens"], detail_type=RANKED_EVENTS),
            targets=[targets.SqsQueue(self.review.queue)],
        )
        self.feed(function, "rank_cases", self.review)
        return function
