"""What the former systems' apps need: photos in a request, and tokens that last a day."""

from functools import lru_cache, partial
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.arrivals import MigrationsCase
from clinic_api.deps.cases import CasesCase
from clinic_api.deps.ports import (
    AuditPort,
    CaseworkPort,
    ClockPort,
    Conf,
    OriginalsPort,
    PeoplePort,
    QueuePort,
    StopwatchPort,
    TokensPort,
)
from clinic_api.deps.reviewing import FormsCase, ReviewRecordsPort
from clinic_api.deps.use_cases import UploadsCase, WaitingCase
from clinic_api.settings import settings
from triagelens.adapters.cognito import CognitoIdentity, cognito_client
from triagelens.services.accounts import Accounts
from triagelens.services.identity_ports import IdentityProvider
from triagelens.services.images import retry
from triagelens.services.small_uploads import SmallUploads
from triagelens.services.submissions import Submissions


@lru_cache
def former_apps_identity() -> IdentityProvider:
    """The user pool, through the app client whose access tokens last a day."""
    conf = settings()
    return CognitoIdentity(cognito_client(conf.aws_region), conf.user_pool_id, conf.old_apps_client_id)


def former_apps_accounts(
    identity: Annotated[IdentityProvider, Depends(former_apps_identity)],
    people: PeoplePort,
    tokens: TokensPort,
    audit: AuditPort,
    clock: ClockPort,
    conf: Conf,
    arrivals: MigrationsCase,
) -> Accounts:
    required = conf.requires_second_factor
    return Accounts(
        identity, people, tokens, audit, clock, second_factor_required=required, arrivals=arrivals
    )


def small_uploads(
    uploads: UploadsCase,
    originals: OriginalsPort,
    waiting: WaitingCase,
    casework: CaseworkPort,
    queue: QueuePort,
    clock: ClockPort,
    stopwatch: StopwatchPort,
) -> SmallUploads:
    taken_up = partial(retry, casework=casework, queue=queue, clock=clock)
    return SmallUploads(uploads, originals, waiting, taken_up, stopwatch)


FormerAppsAccounts = Annotated[Accounts, Depends(former_apps_accounts)]
SmallUploadsCase = Annotated[SmallUploads, Depends(small_uploads)]


def submissions(
    uploads: SmallUploadsCase, cases: CasesCase, forms: FormsCase, review: ReviewRecordsPort
) -> Submissions:
    return Submissions(uploads, cases, forms, review)


SubmissionsCase = Annotated[Submissions, Depends(submissions)]
