"""Builds what a training job stands on from adapters."""

from datetime import UTC, datetime
from pathlib import Path

from training_job.jobs.ports import TrainingPorts
from training_job.jobs.settings import runner_settings, settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.buckets import S3Bucket
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import Runner
from triagelens.services.training_jobs import TrainingJobs

FOLDER = Path("build")


def training_jobs() -> TrainingJobs:
    conf = settings()
    return TrainingJobs(DynamoTrainingJobs(conf.registry_table, conf.aws_region), _now)


def training_ports(jobs: TrainingJobs) -> TrainingPorts:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    return TrainingPorts(
        jobs=jobs,
        learning=S3Bucket(s3, conf.learning_bucket),
        images=S3Bucket(s3, conf.images_bucket),
        models=S3Bucket(s3, conf.models_bucket),
        registry=DynamoRegistry(conf.registry_table, conf.aws_region),
        clock=_now,
        folder=FOLDER,
    )


def runner() -> Runner:
    """This run: AWS Batch's job and its attempt, or one of a kind where there is no Batch."""
    conf = runner_settings()
    return Runner(runner_id=conf.aws_batch_job_id or new_id(), start=conf.aws_batch_job_attempt)


def _now() -> datetime:
    return datetime.now(UTC)
