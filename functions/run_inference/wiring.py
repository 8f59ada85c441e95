"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime
from functools import lru_cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from run_inference.settings import settings
from triagelens.adapters.aws import kms_client, s3_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.trials import DynamoTrials
from triagelens.adapters.model_signatures import KmsSignatures
from triagelens.adapters.s3 import S3ModelObjects, S3WorkingImages
from triagelens.domain.errors import ModelError
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.model_store import ModelStore
from triagelens.inference.serving import StorePredictor
from triagelens.services.giving_up import GivingUp
from triagelens.services.inference import Inference

metrics = Metrics()
logger = Logger(child=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(error: ModelError) -> None:
    """A candidate's failure is heard of like any other, though production answered in its place."""
    logger.error("the candidate failed", extra={"failure": error.code})
    metrics.add_metric(name=f"failure.{error.code}", unit=MetricUnit.Count, value=1)


@lru_cache
def inference() -> Inference:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    store = ModelStore(
        DynamoRegistry(conf.registry_table, conf.aws_region),
        S3ModelObjects(s3, conf.models_bucket),
        PackagedBaselines(),
        KmsSignatures(kms_client(conf.aws_region), conf.signing_key_id),
        stage=conf.stage,
        threads=conf.ort_threads,
    )
    return Inference(
        casework=DynamoCasework(conf.casework_table, conf.aws_region),
        working_images=S3WorkingImages(s3, conf.images_bucket),
        clock=_now,
        predict=StorePredictor(store, DynamoTrials(conf.ephemeral_table, conf.aws_region, _now), _tell),
    )


@lru_cache
def giving_up() -> GivingUp:
    conf = settings()
    return GivingUp(DynamoCasework(conf.casework_table, conf.aws_region), _now)
