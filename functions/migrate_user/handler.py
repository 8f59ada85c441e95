"""Entry point: Cognito asks about a name that it does not know. Raising means no: wrong name or password.

Neither the event nor the answer is logged: a password is in the one, the account's proof in the other.
"""

from functools import lru_cache
from typing import Any

import bcrypt
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from migrate_user.settings import settings
from triagelens.adapters.aws import kms_client
from triagelens.adapters.dynamodb.migrations import DynamoMigrations
from triagelens.adapters.hash_vault import KmsHashVault
from triagelens.domain.errors import SignInError
from triagelens.domain.migration import Migration
from triagelens.services.migration import Proving

SIGN_IN = "UserMigration_Authentication"
PROOF_ATTRIBUTE = "custom:migration"

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def proving() -> Proving:
    conf = settings()
    return Proving(
        records=DynamoMigrations(conf.users_table, conf.aws_region),
        vault=KmsHashVault(kms_client(conf.aws_region), conf.migration_key_id),
        matches=bcrypt.checkpw,
    )


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    migration = _proven(event) if event["triggerSource"] == SIGN_IN else None
    if migration is None:
        metrics.add_metric(name="MigrationRefused", unit=MetricUnit.Count, value=1)
        raise SignInError("The username or password is not right.")
    metrics.add_metric(name="MigrationProven", unit=MetricUnit.Count, value=1)
    attributes = {PROOF_ATTRIBUTE: migration.proof}
    if migration.name is not None:
        attributes["name"] = migration.name
    event["response"] |= {
        "userAttributes": attributes,
        "finalUserStatus": "CONFIRMED",
        "messageAction": "SUPPRESS",
    }
    return event


def _proven(event: dict[str, Any]) -> Migration | None:
    try:
        return proving().prove(event["userName"], event["request"]["password"])
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        logger.error("a former password could not be checked", extra={"cause": type(error).__name__})
        metrics.add_metric(name="MigrationFault", unit=MetricUnit.Count, value=1)
        raise
