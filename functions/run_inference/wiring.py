"""Builds the use case from adapters, once per process."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter

from PIL import Image

from run_inference.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.s3 import S3ModelObjects, S3WorkingImages
from triagelens.domain.prediction import Prediction
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.model_store import ModelStore
from triagelens.services.giving_up import GivingUp
from triagelens.services.inference import Inference


@dataclass(frozen=True)
class StorePredictor:
    """`services.inference.Predictor`: whichever model the store says is in production answers."""

    store: ModelStore

    def __call__(self, working_image: bytes, specialty: str, image_id: str) -> Prediction:
        started = perf_counter()
        model = self.store.for_specialty(specialty, image_id)
        chosen = perf_counter()
        with Image.open(io.BytesIO(working_image), formats=["JPEG"]) as image:
            image.load()
            decoded = perf_counter()
            prediction = model.predict(image)
        return prediction.with_timings(model=(chosen - started) * 1000, decode=(decoded - chosen) * 1000)


@lru_cache
def inference() -> Inference:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    store = ModelStore(
        DynamoRegistry(conf.registry_table, conf.aws_region),
        S3ModelObjects(s3, conf.models_bucket),
        PackagedBaselines(),
        stage=conf.stage,
        threads=conf.ort_threads,
    )
    return Inference(
        casework=DynamoCasework(conf.casework_table, conf.aws_region),
        working_images=S3WorkingImages(s3, conf.images_bucket),
        clock=lambda: datetime.now(UTC),
        predict=StorePredictor(store),
    )


@lru_cache
def giving_up() -> GivingUp:
    conf = settings()
    return GivingUp(DynamoCasework(conf.casework_table, conf.aws_region), lambda: datetime.now(UTC))
