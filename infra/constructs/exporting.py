"""Exports: API -> exports queue -> export_records -> the documents bucket."""

from constructs import Construct

from infra.config import MAX_RECEIVE_COUNT, Config
from infra.constructs.functions import FunctionFactory
from infra.constructs.pipeline import Pipeline
from infra.constructs.queues import WorkQueue
from infra.constructs.storage import READ_OBJECT, WRITE_OBJECT, Storage

PACKAGE = "export_records"
# Of the function's time: what is left is for the upload and the record.
READING_SHARE = 0.8


class Exporting(Construct):
    """Writes files that people download, off the request path."""

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
        self.work = pipeline.work_queue("exports", PACKAGE)
        self.function = factory.function(
            PACKAGE,
            {
                "CASEWORK_TABLE": storage.tables["casework"].table_name,
                "IMAGES_BUCKET": storage.images.bucket_name,
                "DOCUMENTS_BUCKET": storage.documents.bucket_name,
                "MAX_RECEIVE_COUNT": str(MAX_RECEIVE_COUNT),
                "EXPORT_BUDGET_S": str(int(config.size(PACKAGE).timeout_s * READING_SHARE)),
            },
        )
        reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
        storage.allow_records(self.function, "casework", reads)
        storage.allow_keys(self.function, "casework", "dynamodb:PutItem", ["EXPORT#*"])
        storage.allow_objects(self.function, storage.images, "annotations/", READ_OBJECT)
        storage.allow_objects(self.function, storage.documents, "exports/", WRITE_OBJECT)
        pipeline.feed(self.function, PACKAGE, self.work)

    @property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues by the name that the outputs use."""
        return {"Exports": self.work}
