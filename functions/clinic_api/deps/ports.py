"""The adapters behind the ports, each made once per process, at its first use.

Tests replace them through `app.dependency_overrides`.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.settings import Settings, settings
from clinic_api.trail import StampedTrail
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.cognito import CognitoIdentity, cognito_client
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.ephemeral import DynamoWaitingRoom
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.replays import DynamoReplays
from triagelens.adapters.model_uploads import S3ModelUploads
from triagelens.adapters.s3 import S3Originals, S3WorkingImages
from triagelens.adapters.sqs import SqsInferenceQueue, SqsReplayQueue
from triagelens.adapters.tokens import CognitoTokens
from triagelens.services.identity_ports import AuditTrail, IdentityProvider, TokenVerifier
from triagelens.services.images import Stopwatch
from triagelens.services.ports import (
    Casework,
    Clock,
    InferenceQueue,
    Originals,
    People,
    WaitingRoom,
    WorkingImages,
)
from triagelens.services.registry_ports import ModelUploads, Registry
from triagelens.services.replays import ReplayQueue, ReplayRecords


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Stopwatch:
    """`services.images.Stopwatch` in real time."""

    def now(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


def clock() -> Clock:
    return utc_now


def stopwatch() -> Stopwatch:
    return _Stopwatch()


@lru_cache
def casework() -> Casework:
    conf = settings()
    return DynamoCasework(conf.casework_table, conf.aws_region, conf.ephemeral_table)


@lru_cache
def people() -> People:
    conf = settings()
    return DynamoPeople(conf.users_table, conf.aws_region)


@lru_cache
def registry() -> Registry:
    conf = settings()
    return DynamoRegistry(conf.registry_table, conf.aws_region)


@lru_cache
def audit_trail() -> AuditTrail:
    conf = settings()
    return DynamoAuditTrail(conf.audit_table, conf.aws_region)


@lru_cache
def waiting_room() -> WaitingRoom:
    conf = settings()
    return DynamoWaitingRoom(conf.ephemeral_table, conf.aws_region, conf.waiters, utc_now)


@lru_cache
def originals() -> Originals:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3Originals(s3, conf.uploads_bucket)


@lru_cache
def working_images() -> WorkingImages:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3WorkingImages(s3, conf.images_bucket)


@lru_cache
def model_uploads() -> ModelUploads:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3ModelUploads(s3, conf.models_bucket)


@lru_cache
def inference_queue() -> InferenceQueue:
    conf = settings()
    return SqsInferenceQueue(sqs_client(conf.aws_region), conf.inference_queue_url)


@lru_cache
def replay_queue() -> ReplayQueue:
    conf = settings()
    return SqsReplayQueue(sqs_client(conf.aws_region), conf.replay_queue_url)


@lru_cache
def replay_records() -> ReplayRecords:
    conf = settings()
    return DynamoReplays(conf.registry_table, conf.aws_region)


@lru_cache
def identity() -> IdentityProvider:
    conf = settings()
    return CognitoIdentity(cognito_client(conf.aws_region), conf.user_pool_id, conf.user_pool_client_id)


@lru_cache
def tokens() -> TokenVerifier:
    conf = settings()
    clients = {conf.user_pool_client_id, conf.old_apps_client_id}
    return CognitoTokens(conf.jwks_url, conf.token_issuer, frozenset(clients))


def stamped_trail(trail: Annotated[AuditTrail, Depends(audit_trail)]) -> AuditTrail:
    """The audit trail, with what is known of the request under way."""
    return StampedTrail(trail)


Conf = Annotated[Settings, Depends(settings)]
ClockPort = Annotated[Clock, Depends(clock)]
StopwatchPort = Annotated[Stopwatch, Depends(stopwatch)]
CaseworkPort = Annotated[Casework, Depends(casework)]
ReplayQueuePort = Annotated[ReplayQueue, Depends(replay_queue)]
ReplayRecordsPort = Annotated[ReplayRecords, Depends(replay_records)]
PeoplePort = Annotated[People, Depends(people)]
RegistryPort = Annotated[Registry, Depends(registry)]
AuditPort = Annotated[AuditTrail, Depends(stamped_trail)]
WaitingRoomPort = Annotated[WaitingRoom, Depends(waiting_room)]
OriginalsPort = Annotated[Originals, Depends(originals)]
WorkingImagesPort = Annotated[WorkingImages, Depends(working_images)]
ModelUploadsPort = Annotated[ModelUploads, Depends(model_uploads)]
QueuePort = Annotated[InferenceQueue, Depends(inference_queue)]
IdentityPort = Annotated[IdentityProvider, Depends(identity)]
TokensPort = Annotated[TokenVerifier, Depends(tokens)]
