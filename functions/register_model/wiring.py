"""Builds the use case from adapters, once per process."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from register_model.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.s3 import S3ModelFiles
from triagelens.domain.models import Problem
from triagelens.inference.package import ModelPackage
from triagelens.inference.verify import verify_model
from triagelens.services.registration import Registration


@lru_cache
def registration() -> Registration:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    return Registration(
        registry=DynamoRegistry(conf.registry_table, conf.aws_region),
        files=S3ModelFiles(s3, conf.models_bucket),
        audit=DynamoAuditTrail(conf.audit_table, conf.aws_region),
        clock=lambda: datetime.now(UTC),
        verify=_verify,
    )


def _verify(model: bytes, manifest: bytes, head: bytes | None) -> Sequence[Problem]:
    return verify_model(ModelPackage(model=model, manifest=manifest, head=head))
