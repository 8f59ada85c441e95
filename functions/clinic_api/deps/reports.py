"""Reports: their adapters, their use case, and which report a path names."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import Allowed, CurrentPerson
from clinic_api.deps.cases import CaseRecordsPort
from clinic_api.deps.patients import patient_records
from clinic_api.deps.ports import ClockPort, Conf
from clinic_api.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.documents import S3ReportFiles
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.domain.people import Action, Person
from triagelens.domain.reports import Report
from triagelens.services.former_reports import FormerReports
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.report_ports import ReportFiles, ReportRecords
from triagelens.services.reports import Reports


@lru_cache
def report_records() -> ReportRecords:
    conf = settings()
    return DynamoReports(conf.casework_table, conf.aws_region)


@lru_cache
def report_files() -> ReportFiles:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3ReportFiles(s3, conf.documents_bucket)


def reports(
    records: Annotated[ReportRecords, Depends(report_records)],
    cases: CaseRecordsPort,
    patients: Annotated[PatientRecords, Depends(patient_records)],
    files: Annotated[ReportFiles, Depends(report_files)],
    clock: ClockPort,
) -> Reports:
    return Reports(records, cases, patients, files, clock, correlation_id())


ReportsCase = Annotated[Reports, Depends(reports)]


def visible_report(report_id: str, person: CurrentPerson, reports: ReportsCase) -> Report:
    """The report that the path names, if the person may see it: the one place that decides this."""
    return reports.visible_to(person, report_id)


VisibleReport = Annotated[Report, Depends(visible_report)]


def former_reports(
    records: Annotated[ReportRecords, Depends(report_records)],
    files: Annotated[ReportFiles, Depends(report_files)],
    clock: ClockPort,
    conf: Conf,
) -> FormerReports:
    return FormerReports(records, files, clock, conf.upload_expiry, correlation_id())


FormerReportsCase = Annotated[FormerReports, Depends(former_reports)]
TakesOver = Annotated[Person, Depends(Allowed(Action.TAKE_OVER))]
