"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime
from functools import lru_cache

from notify.settings import settings
from triagelens.adapters.aws import ses_client
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.deliveries import DynamoDeliveries
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.mails import SesMails
from triagelens.services.mailing import Mailing


@lru_cache
def mailing() -> Mailing | None:
    """None where no sender is set up."""
    conf = settings()
    if conf.mail_from is None:
        return None
    table, region = conf.casework_table, conf.aws_region
    return Mailing(
        casework=DynamoCasework(table, region),
        cases=DynamoCases(table, region),
        patients=DynamoPatients(table, region),
        people=DynamoPeople(conf.users_table, region),
        deliveries=DynamoDeliveries(conf.ephemeral_table, region, now),
        mails=SesMails(ses_client(region), conf.mail_from),
        portal_url=conf.portal_url,
        case_addresses=conf.case_addresses,
    )


def now() -> datetime:
    return datetime.now(UTC)
