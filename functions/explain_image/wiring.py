"""Builds the use case from adapters, once per process."""

from functools import lru_cache

from explain_image.settings import settings
from triagelens.adapters.aws import kms_client, s3_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.explanations import S3Gallery
from triagelens.adapters.model_signatures import KmsSignatures
from triagelens.adapters.s3 import S3ModelObjects, S3WorkingImages
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.evidence import EvidenceArtist
from triagelens.inference.model_store import ModelStore
from triagelens.services.explanations import Explaining


@lru_cache
def explaining() -> Explaining:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    registry, baselines = DynamoRegistry(conf.registry_table, conf.aws_region), PackagedBaselines()
    objects = S3ModelObjects(s3, conf.models_bucket)
    signatures = KmsSignatures(kms_client(conf.aws_region), conf.signing_key_id)
    store = ModelStore(
        registry, objects, baselines, signatures, stage=conf.stage, threads=conf.ort_threads, max_loaded=2
    )
    casework = DynamoCasework(conf.casework_table, conf.aws_region)
    return Explaining(
        casework=casework,
        results=casework,
        working_images=S3WorkingImages(s3, conf.images_bucket),
        gallery=S3Gallery(s3, conf.images_bucket),
        draw=EvidenceArtist(registry, objects, baselines, store, conf.occlusion_budget_s),
    )
