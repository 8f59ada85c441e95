"""The counters: the casework table's stream -> count_records."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import STREAM_RETRY_HOURS, Pipeline
from infra.constructs.storage import Storage

COUNTED_RECORDS = {
    "dynamodb": {
        "Keys": {
            "pk": {"S": [{"prefix": kind} for kind in ("IMG#", "CASE#", "PAT#", "REPORT#")]},
            "sk": {"S": ["META"]},
        }
    }
}


class Counting(Construct):
    """The second of the two readers that a stream has room for; the first is publish_events."""

    def __init__(
        self, scope: Construct, name: str, *, storage: Storage, pipeline: Pipeline, factory: FunctionFactory
    ) -> None:
        super().__init__(scope, name)
        self.dlq = pipeline.dead_letters("counts")
        acknowledge(self.dlq, "SQS3", "It is the dead-letter queue, of the stream's event source.")
        casework = storage.tables["casework"]
        self.function = factory.function(
            "count_records",
            {"CASEWORK_TABLE": casework.table_name, "DEAD_LETTERS_URL": self.dlq.queue_url},
        )
        self.dlq.grant_send_messages(self.function)
        storage.allow_keys(self.function, "casework", "dynamodb:GetItem", ["COUNTED#*"])
        storage.allow_keys(self.function, "casework", "dynamodb:PutItem", ["COUNTED#*"])
        storage.allow_keys(self.function, "casework", "dynamodb:UpdateItem", ["STATS#*"])
        self.function.add_event_source(
            sources.DynamoEventSource(
                casework,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                max_record_age=Duration.hours(STREAM_RETRY_HOURS),
                on_failure=sources.SqsDlq(self.dlq),
                filters=[lambda_.FilterCriteria.filter(COUNTED_RECORDS)],
            )
        )
