"""Builds the use case from adapters, once per process."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from register_model.settings import settings
from triagelens.adapters.aws import kms_client, s3_client
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.holdout import S3HoldoutFiles, SnapshotHoldout
from triagelens.adapters.model_signatures import KmsSignatures, KmsSigner
from triagelens.adapters.s3 import S3ModelFiles, S3ModelObjects
from triagelens.domain.gate import GateReport
from triagelens.domain.models import Problem
from triagelens.domain.specialties import specialty
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.gate import Gate
from triagelens.inference.model_store import ModelStore
from triagelens.inference.package import ModelPackage
from triagelens.inference.reference import reference_of
from triagelens.inference.session import LoadedModel
from triagelens.inference.trial import try_model
from triagelens.services.registration import Registration


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def registration() -> Registration:
    conf = settings()
    return Registration(
        registry=DynamoRegistry(conf.registry_table, conf.aws_region),
        files=S3ModelFiles(s3_client(conf.aws_region, path_style=conf.path_style), conf.models_bucket),
        audit=DynamoAuditTrail(conf.audit_table, conf.aws_region),
        clock=_now,
        verify=_verify,
        judge=_judge,
        sign=KmsSigner(kms_client(conf.aws_region), conf.signing_key_id).sign,
    )


@lru_cache
def gate() -> Gate:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    registry = DynamoRegistry(conf.registry_table, conf.aws_region)
    baselines = PackagedBaselines()
    store = ModelStore(
        registry,
        S3ModelObjects(s3, conf.models_bucket),
        baselines,
        KmsSignatures(kms_client(conf.aws_region), conf.signing_key_id),
        stage=conf.stage,
        max_loaded=1,
    )
    return Gate(
        holdout=SnapshotHoldout(
            conf.registry_table,
            conf.aws_region,
            DynamoLedgers(conf.registry_table, conf.aws_region),
            s3,
            conf.learning_bucket,
        ),
        files=S3HoldoutFiles(s3, {"learning": conf.learning_bucket, "images": conf.images_bucket}),
        reference=lambda name: reference_of(name, registry, store, baselines),
        clock=_now,
        budget_s=conf.gate_budget_s,
    )


def _verify(model: bytes, manifest: bytes, head: bytes | None, parity: bytes | None) -> Sequence[Problem]:
    conf = settings()
    package = ModelPackage(model=model, manifest=manifest, head=head)
    return try_model(package, parity, memory_mb=conf.trial_memory_mb, timeout_s=conf.trial_timeout_s)


def _judge(model: bytes, manifest: bytes, head: bytes | None) -> GateReport:
    loaded = LoadedModel.open(ModelPackage(model=model, manifest=manifest, head=head))
    return gate().evaluate(specialty(loaded.manifest.specialty), loaded)
