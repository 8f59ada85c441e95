"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime
from functools import lru_cache

from check_quality.settings import settings
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.s3 import S3Originals, S3WorkingImages
from triagelens.adapters.sqs import SqsInferenceQueue
from triagelens.domain.specialties import Specialty
from triagelens.imaging.quality import Assessment, ImageLimits, assess
from triagelens.services.giving_up import GivingUp
from triagelens.services.quality_check import QualityCheck


@lru_cache
def quality_check() -> QualityCheck:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    return QualityCheck(
        casework=DynamoCasework(conf.casework_table, conf.aws_region),
        originals=S3Originals(s3, conf.uploads_bucket),
        working_images=S3WorkingImages(s3, conf.images_bucket),
        queue=SqsInferenceQueue(sqs_client(conf.aws_region), conf.inference_queue_url),
        clock=lambda: datetime.now(UTC),
        assess=assess_for,
    )


@lru_cache
def giving_up() -> GivingUp:
    conf = settings()
    return GivingUp(DynamoCasework(conf.casework_table, conf.aws_region), lambda: datetime.now(UTC))


def assess_for(data: bytes, specialty: Specialty, keep_blurred: bool) -> Assessment:
    """Judges a photo by its specialty's focus threshold."""
    return assess(
        data, focus_threshold=specialty.focus_threshold, limits=ImageLimits(), keep_blurred=keep_blurred
    )
