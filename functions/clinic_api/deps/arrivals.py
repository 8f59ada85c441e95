"""People of a former system: who is expected, and what becomes of them when they come."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.correlation import correlation_id
from clinic_api.deps.ports import AuditPort, ClockPort, IdentityPort
from clinic_api.settings import settings
from triagelens.adapters.aws import kms_client
from triagelens.adapters.cognito import cognito_client
from triagelens.adapters.cognito_directory import CognitoDirectory
from triagelens.adapters.dynamodb.feedback import DynamoFeedback
from triagelens.adapters.dynamodb.migrations import DynamoMigrations
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.hash_vault import KmsHashVault
from triagelens.services.feedback import FeedbackRecords
from triagelens.services.identity_ports import Directory
from triagelens.services.journal import Journal
from triagelens.services.migration import HashVault, MigrationRecords, Migrations
from triagelens.services.patient_ports import PatientRecords


@lru_cache
def directory() -> Directory:
    conf = settings()
    return CognitoDirectory(cognito_client(conf.aws_region), conf.user_pool_id)


@lru_cache
def migration_records() -> MigrationRecords:
    conf = settings()
    return DynamoMigrations(conf.users_table, conf.aws_region)


@lru_cache
def hash_vault() -> HashVault:
    conf = settings()
    return KmsHashVault(kms_client(conf.aws_region), conf.migration_key_id)


@lru_cache
def patient_records() -> PatientRecords:
    conf = settings()
    return DynamoPatients(conf.casework_table, conf.aws_region)


@lru_cache
def feedback_records() -> FeedbackRecords:
    conf = settings()
    return DynamoFeedback(conf.casework_table, conf.aws_region)


def journal(audit: AuditPort, clock: ClockPort) -> Journal:
    return Journal(audit, clock, correlation_id())


JournalPart = Annotated[Journal, Depends(journal)]
PatientRecordsPort = Annotated[PatientRecords, Depends(patient_records)]
FeedbackRecordsPort = Annotated[FeedbackRecords, Depends(feedback_records)]
DirectoryPort = Annotated[Directory, Depends(directory)]


def migrations(
    records: Annotated[MigrationRecords, Depends(migration_records)],
    vault: Annotated[HashVault, Depends(hash_vault)],
    identity: IdentityPort,
    directory: DirectoryPort,
    clock: ClockPort,
    journal: JournalPart,
    patients: PatientRecordsPort,
    feedback: FeedbackRecordsPort,
) -> Migrations:
    return Migrations(records, vault, identity, directory, clock, journal, patients, feedback)


MigrationsCase = Annotated[Migrations, Depends(migrations)]
