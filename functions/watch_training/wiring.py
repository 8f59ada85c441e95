"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime
from functools import lru_cache

from triagelens.adapters.batch import BatchQueue, BatchTarget, batch_client
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.training_jobs import JobKind
from triagelens.services.dead_ingestions import DeadIngestions
from triagelens.services.job_submission import Submission
from triagelens.services.job_watch import JobWatch
from watch_training.settings import settings


@lru_cache
def job_watch() -> JobWatch:
    conf = settings()
    records = DynamoTrainingJobs(conf.registry_table, conf.aws_region)
    targets = {
        JobKind.TRAIN: BatchTarget(conf.training_queue, conf.training_definition),
        JobKind.INGEST: BatchTarget(conf.ingest_queue, conf.ingest_definition),
    }
    queue = BatchQueue(batch_client(conf.aws_region), targets)

    def clock() -> datetime:
        return datetime.now(UTC)

    submission = Submission(records, queue, clock)
    deaths = DeadIngestions(DynamoDatasets(conf.registry_table, conf.aws_region), clock)
    return JobWatch(records, queue, submission, clock, log_group=conf.job_log_group, on_death=deaths)
