"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime
from functools import lru_cache

from erase_patient.settings import settings
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.cognito import CognitoIdentity, cognito_client
from triagelens.adapters.cognito_directory import CognitoDirectory
from triagelens.adapters.dynamodb.erasures import DynamoErasures
from triagelens.adapters.dynamodb.learnt import DynamoLearning
from triagelens.adapters.dynamodb.migrations import DynamoMigrations
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.traces import DynamoTraces
from triagelens.adapters.patient_accounts import PatientAccounts
from triagelens.adapters.sqs import SqsErasureQueue
from triagelens.adapters.stored_files import S3StoredFiles
from triagelens.services.erasure import Erasing


@lru_cache
def erasing() -> Erasing:
    conf = settings()
    region, cognito = conf.aws_region, cognito_client(conf.aws_region)
    return Erasing(
        records=DynamoErasures(conf.audit_table, conf.casework_table, region),
        traces=DynamoTraces(conf.casework_table, region),
        files=S3StoredFiles(
            s3_client(region, path_style=conf.path_style),
            uploads=conf.uploads_bucket,
            images=conf.images_bucket,
            documents=conf.documents_bucket,
        ),
        accounts=PatientAccounts(
            DynamoPeople(conf.users_table, region),
            CognitoIdentity(cognito, conf.user_pool_id, conf.user_pool_client_id),
            CognitoDirectory(cognito, conf.user_pool_id),
            DynamoMigrations(conf.users_table, region),
        ),
        learning=DynamoLearning(conf.registry_table, region),
        queue=SqsErasureQueue(sqs_client(region), conf.erasure_queue_url),
        clock=lambda: datetime.now(UTC),
    )
