"""What routes are given: adapters made once per process, use cases, and the person who asks.

Tests replace the adapters through `app.dependency_overrides`.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from clinic_api.correlation import correlation_id
from clinic_api.settings import Settings, settings
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.cognito import CognitoIdentity, cognito_client
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.ephemeral import DynamoWaitingRoom
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.model_uploads import S3ModelUploads
from triagelens.adapters.s3 import S3Originals, S3WorkingImages
from triagelens.adapters.sqs import SqsInferenceQueue
from triagelens.adapters.tokens import CognitoTokens
from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ForbiddenError, UnauthenticatedError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.people import MANAGES_MODELS, SEES_MODELS, Person, Role
from triagelens.services.accounts import Accounts, Authentication
from triagelens.services.identity_ports import AuditTrail, IdentityProvider, TokenVerifier
from triagelens.services.images import Images, Stopwatch, Waiting
from triagelens.services.models import Imports, Models
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
from triagelens.services.uploads import UploadRules, Uploads


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Stopwatch:
    """`services.images.Stopwatch` in real time."""

    def now(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


# Adapters, each made at its first use.


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
def identity() -> IdentityProvider:
    conf = settings()
    return CognitoIdentity(cognito_client(conf.aws_region), conf.user_pool_id, conf.user_pool_client_id)


@lru_cache
def tokens() -> TokenVerifier:
    conf = settings()
    return CognitoTokens(conf.jwks_url, conf.token_issuer, conf.user_pool_client_id)


Conf = Annotated[Settings, Depends(settings)]
ClockPort = Annotated[Clock, Depends(clock)]
StopwatchPort = Annotated[Stopwatch, Depends(stopwatch)]
CaseworkPort = Annotated[Casework, Depends(casework)]
PeoplePort = Annotated[People, Depends(people)]
RegistryPort = Annotated[Registry, Depends(registry)]
AuditPort = Annotated[AuditTrail, Depends(audit_trail)]
WaitingRoomPort = Annotated[WaitingRoom, Depends(waiting_room)]
OriginalsPort = Annotated[Originals, Depends(originals)]
WorkingImagesPort = Annotated[WorkingImages, Depends(working_images)]
ModelUploadsPort = Annotated[ModelUploads, Depends(model_uploads)]
QueuePort = Annotated[InferenceQueue, Depends(inference_queue)]
IdentityPort = Annotated[IdentityProvider, Depends(identity)]
TokensPort = Annotated[TokenVerifier, Depends(tokens)]


# Use cases, put together for each request.


def accounts(
    provider: IdentityPort, people: PeoplePort, tokens: TokensPort, audit: AuditPort, clock: ClockPort
) -> Accounts:
    return Accounts(provider, people, tokens, audit, clock)


def uploads(casework: CaseworkPort, originals: OriginalsPort, clock: ClockPort, conf: Conf) -> Uploads:
    return Uploads(casework, originals, clock, UploadRules(conf.upload_expiry, conf.max_upload_bytes))


def images(casework: CaseworkPort, clock: ClockPort, conf: Conf) -> Images:
    return Images(casework, clock, conf.queue_retention)


def waiting(
    casework: CaseworkPort,
    images: Annotated[Images, Depends(images)],
    room: WaitingRoomPort,
    stopwatch: StopwatchPort,
) -> Waiting:
    return Waiting(casework, images, room, stopwatch)


def imports(registry: RegistryPort, uploads: ModelUploadsPort, clock: ClockPort, conf: Conf) -> Imports:
    return Imports(registry, uploads, clock, conf.max_model_bytes)


def models(registry: RegistryPort, audit: AuditPort, clock: ClockPort) -> Models:
    return Models(registry, audit, clock)


AccountsCase = Annotated[Accounts, Depends(accounts)]
UploadsCase = Annotated[Uploads, Depends(uploads)]
ImagesCase = Annotated[Images, Depends(images)]
WaitingCase = Annotated[Waiting, Depends(waiting)]
ImportsCase = Annotated[Imports, Depends(imports)]
ModelsCase = Annotated[Models, Depends(models)]


# Who asks, and what of.

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="accessToken",
    bearerFormat="JWT",
    description="The `access_token` of `POST /v1/auth/sign-in`",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def current_person(credentials: Credentials, tokens: TokensPort, people: PeoplePort) -> Person:
    """The person whose access token came with the request."""
    if credentials is None:
        raise UnauthenticatedError("This needs an access token: `Authorization: Bearer ...`.")
    return Authentication(tokens, people).person(credentials.credentials)


CurrentPerson = Annotated[Person, Depends(current_person)]


class Allowed:
    """Lets only some roles through; whoever is turned away is written down."""

    def __init__(self, roles: frozenset[Role]) -> None:
        self._roles = roles

    def __call__(self, request: Request, person: CurrentPerson, audit: AuditPort, clock: ClockPort) -> Person:
        if person.role not in self._roles:
            audit.append(_denial(person, request, clock()))
            raise ForbiddenError("Your role does not allow this.")
        return person


def _denial(person: Person, request: Request, now: datetime) -> AuditEntry:
    """What was tried, told by the route and not by the path, which may hold anything."""
    route = request.scope["route"]
    return AuditEntry(
        entry_id=new_id(),
        at=now,
        actor=person.sub,
        action=f"{request.method} {route.path}",
        subject=route.name,
        outcome=Outcome.DENIED,
        correlation_id=correlation_id(),
    )


Admin = Annotated[Person, Depends(Allowed(frozenset({Role.ADMIN})))]
ModelAdmin = Annotated[Person, Depends(Allowed(MANAGES_MODELS))]
ModelReader = Annotated[Person, Depends(Allowed(SEES_MODELS))]


def visible_image(image_id: str, person: CurrentPerson, images: ImagesCase) -> ImageRecord:
    """The image that the path names, if the person may see it: the one place that decides this."""
    return images.visible_to(person, image_id)


VisibleImage = Annotated[ImageRecord, Depends(visible_image)]
