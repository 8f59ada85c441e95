"""Builds the use case from adapters, once per process."""

import io
from datetime import UTC, datetime
from functools import lru_cache

from PIL import Image

from replay_model.settings import settings
from triagelens.adapters.aws import kms_client, s3_client, sqs_client
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.replays import DynamoAnalysedImages, DynamoReplays
from triagelens.adapters.model_signatures import KmsSignatures
from triagelens.adapters.s3 import S3ModelObjects, S3WorkingImages
from triagelens.adapters.sqs import SqsReplayQueue
from triagelens.domain.models import RegisteredModel
from triagelens.domain.prediction import Prediction
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.model_store import ModelStore
from triagelens.services.replays import Replaying, Score


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def replaying() -> Replaying:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    return Replaying(
        registry=DynamoRegistry(conf.registry_table, conf.aws_region),
        records=DynamoReplays(conf.registry_table, conf.aws_region),
        queue=SqsReplayQueue(sqs_client(conf.aws_region), conf.replay_queue_url),
        images=DynamoAnalysedImages(conf.casework_table, conf.aws_region, _now),
        working_images=S3WorkingImages(s3, conf.images_bucket),
        open=_open,
        clock=_now,
    )


@lru_cache
def _store() -> ModelStore:
    conf = settings()
    return ModelStore(
        DynamoRegistry(conf.registry_table, conf.aws_region),
        S3ModelObjects(s3_client(conf.aws_region, path_style=conf.path_style), conf.models_bucket),
        PackagedBaselines(),
        KmsSignatures(kms_client(conf.aws_region), conf.signing_key_id),
        stage=conf.stage,
        threads=conf.ort_threads,
        max_loaded=1,
    )


def _open(model: RegisteredModel) -> Score:
    loaded = _store().registered(model.specialty, model)

    def score(working_image: bytes) -> Prediction:
        with Image.open(io.BytesIO(working_image), formats=["JPEG"]) as image:
            return loaded.predict(image)

    return score
