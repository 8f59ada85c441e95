"""People's accounts: their adapters, their use cases, and how often a source may guess."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request

from clinic_api.deps.arrivals import DirectoryPort, MigrationsCase
from clinic_api.deps.arrivals import JournalPart as JournalPart  # where most look for it
from clinic_api.deps.ports import ClockPort, IdentityPort, PeoplePort, utc_now
from clinic_api.deps.use_cases import AccountsCase
from clinic_api.settings import settings
from triagelens.adapters.cognito import cognito_client
from triagelens.adapters.cognito_credentials import CognitoAuthenticators, CognitoPasswords
from triagelens.adapters.dynamodb.attempts import DynamoAttempts
from triagelens.services.identity_ports import AuthenticatorProvider, PasswordProvider
from triagelens.services.limits import Attempts, Limits
from triagelens.services.passwords import Passwords
from triagelens.services.second_factor import SecondFactor
from triagelens.services.sessions import Sessions
from triagelens.services.users import Users

NO_SOURCE = "-"


@lru_cache
def attempts() -> Attempts:
    conf = settings()
    return DynamoAttempts(conf.ephemeral_table, conf.aws_region, utc_now)


@lru_cache
def password_provider() -> PasswordProvider:
    conf = settings()
    return CognitoPasswords(cognito_client(conf.aws_region), conf.user_pool_client_id)


@lru_cache
def authenticator_provider() -> AuthenticatorProvider:
    return CognitoAuthenticators(cognito_client(settings().aws_region))


def limits(request: Request, attempts: Annotated[Attempts, Depends(attempts)]) -> Limits:
    """The limits of the caller's address, which the gateway tells (`requestContext.identity.sourceIp`).

    Headers such as `X-Forwarded-For` are not looked at: anybody can write them. Callers without an
    address share one count.
    """
    source = request.client.host if request.client else None
    return Limits(attempts, source or NO_SOURCE)


def sessions(people: PeoplePort, identity: IdentityPort, clock: ClockPort, journal: JournalPart) -> Sessions:
    return Sessions(people, identity, clock, journal)


LimitsCase = Annotated[Limits, Depends(limits)]
SessionsCase = Annotated[Sessions, Depends(sessions)]


def passwords(
    provider: Annotated[PasswordProvider, Depends(password_provider)],
    identity: IdentityPort,
    people: PeoplePort,
    sessions: SessionsCase,
    journal: JournalPart,
) -> Passwords:
    return Passwords(provider, identity, people, sessions, journal)


def second_factor(
    accounts: AccountsCase,
    provider: Annotated[AuthenticatorProvider, Depends(authenticator_provider)],
    people: PeoplePort,
    journal: JournalPart,
) -> SecondFactor:
    return SecondFactor(accounts, provider, people, journal)


def users(
    people: PeoplePort,
    identity: IdentityPort,
    directory: DirectoryPort,
    sessions: SessionsCase,
    clock: ClockPort,
    journal: JournalPart,
    arrivals: MigrationsCase,
) -> Users:
    return Users(people, identity, directory, sessions, clock, journal, arrivals)


PasswordsCase = Annotated[Passwords, Depends(passwords)]
SecondFactorCase = Annotated[SecondFactor, Depends(second_factor)]
UsersCase = Annotated[Users, Depends(users)]
