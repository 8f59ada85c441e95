"""Use cases, put together for each request."""

from typing import Annotated

from fastapi import Depends

from clinic_api.deps.arrivals import MigrationsCase
from clinic_api.deps.ports import (
    AuditPort,
    CaseworkPort,
    ClockPort,
    Conf,
    IdentityPort,
    ModelUploadsPort,
    OriginalsPort,
    PeoplePort,
    RegistryPort,
    ReplayQueuePort,
    ReplayRecordsPort,
    StopwatchPort,
    TokensPort,
    WaitingRoomPort,
)
from triagelens.services.accounts import Accounts
from triagelens.services.images import Images, Waiting
from triagelens.services.models import Imports, Models
from triagelens.services.replays import Replays
from triagelens.services.rollout import Rollout
from triagelens.services.uploads import UploadRules, Uploads


def accounts(
    provider: IdentityPort,
    people: PeoplePort,
    tokens: TokensPort,
    audit: AuditPort,
    clock: ClockPort,
    conf: Conf,
    arrivals: MigrationsCase,
) -> Accounts:
    required = conf.requires_second_factor
    return Accounts(
        provider, people, tokens, audit, clock, second_factor_required=required, arrivals=arrivals
    )


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


def models(registry: RegistryPort) -> Models:
    return Models(registry)


def rollout(registry: RegistryPort, audit: AuditPort, clock: ClockPort, conf: Conf) -> Rollout:
    return Rollout(registry, audit, clock, owner_may_activate=not conf.requires_second_admin)


def replays(
    registry: RegistryPort, records: ReplayRecordsPort, queue: ReplayQueuePort, clock: ClockPort
) -> Replays:
    return Replays(registry, records, queue, clock)


AccountsCase = Annotated[Accounts, Depends(accounts)]
UploadsCase = Annotated[Uploads, Depends(uploads)]
ImagesCase = Annotated[Images, Depends(images)]
WaitingCase = Annotated[Waiting, Depends(waiting)]
ImportsCase = Annotated[Imports, Depends(imports)]
ModelsCase = Annotated[Models, Depends(models)]
RolloutCase = Annotated[Rollout, Depends(rollout)]
ReplaysCase = Annotated[Replays, Depends(replays)]
