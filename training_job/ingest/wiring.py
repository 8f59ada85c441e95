"""Builds what an ingestion job stands on from adapters."""

import os
from datetime import UTC, datetime
from time import sleep

from training_job.ingest.making import Making
from training_job.ingest.members import ArchiveLimits
from training_job.ingest.ports import Datasets, IngestPorts
from training_job.ingest.sources import open_object
from training_job.jobs.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.buckets import S3Bucket
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.adapters.dynamodb.snapshots import DynamoSnapshots
from triagelens.services.ledger import SplitLedger
from triagelens.services.snapshot_ports import LabelledImages
from triagelens.services.training_jobs import TrainingJobs

MOST_WORKERS = 4  # each may hold an image of 50 megapixels


def ingest_ports(jobs: TrainingJobs, datasets: Datasets, labelled: LabelledImages) -> IngestPorts:
    """All ports of a deployment, but for the records that are given."""
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    learning = S3Bucket(s3, conf.learning_bucket)
    ledger = SplitLedger(DynamoLedgers(conf.registry_table, conf.aws_region), sleep)
    return IngestPorts(
        jobs=jobs,
        datasets=datasets,
        labelled=labelled,
        making=Making(ledger, learning, DynamoSnapshots(conf.registry_table, conf.aws_region)),
        learning=learning,
        images=S3Bucket(s3, conf.images_bucket),
        open_archive=lambda key, version: open_object(s3, conf.learning_bucket, key, version),
        clock=lambda: datetime.now(UTC),
        limits=ArchiveLimits(),
        workers=min(MOST_WORKERS, os.cpu_count() or 1),
    )
