"""Builds the use case from adapters, once per process."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from render_report.settings import settings
from triagelens.adapters.aws import lambda_client, s3_client
from triagelens.adapters.documents import S3ReportFiles
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.adapters.explanations import LambdaExplainer
from triagelens.adapters.s3 import S3WorkingImages, read_object
from triagelens.documents.report import typeset
from triagelens.domain.report_document import Clinic
from triagelens.services.report_gathering import Gathering, Issuer, Sources
from triagelens.services.report_making import GivingUpReports, Making


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def making() -> Making:
    conf = settings()
    table, region = conf.casework_table, conf.aws_region
    s3 = s3_client(region, path_style=conf.path_style)
    sources = Sources(
        cases=DynamoCases(table, region),
        panels=DynamoPanels(table, region),
        patients=DynamoPatients(table, region),
        casework=DynamoCasework(table, region),
        people=DynamoPeople(conf.users_table, region),
        explainer=LambdaExplainer(lambda_client(region), conf.explain_function),
        pictures=S3WorkingImages(s3, conf.images_bucket),
    )
    within = timedelta(seconds=conf.evidence_within_s)
    return Making(
        DynamoReports(table, region),
        S3ReportFiles(s3, conf.documents_bucket),
        Gathering(sources, _issuer(), _now, within),
        typeset,
        _now,
    )


@lru_cache
def giving_up() -> GivingUpReports:
    return GivingUpReports(DynamoReports(settings().casework_table, settings().aws_region), _now)


def _issuer() -> Issuer:
    """Raises NotFoundError if a logo is configured and nobody has put it there."""
    conf = settings()
    logo = None
    if conf.clinic_logo:
        s3 = s3_client(conf.aws_region, path_style=conf.path_style)
        logo = read_object(s3, Bucket=conf.documents_bucket, Key=conf.clinic_logo)
    return Issuer(Clinic(name=conf.clinic_name, address=conf.clinic_address, logo=logo), conf.portal_url)
