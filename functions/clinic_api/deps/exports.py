"""Exports: their adapters, their use cases, and who may ask for them."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.ports import ClockPort
from clinic_api.settings import settings
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.dynamodb.exports import DynamoExports
from triagelens.adapters.export_files import S3ExportFiles, SqsExportQueue
from triagelens.domain.exports import Export
from triagelens.domain.people import Action, Person
from triagelens.services.export_ports import ExportFiles, ExportQueue, ExportRecords
from triagelens.services.exports import Exports


@lru_cache
def export_records() -> ExportRecords:
    conf = settings()
    return DynamoExports(conf.casework_table, conf.aws_region, conf.ephemeral_table)


@lru_cache
def export_queue() -> ExportQueue:
    conf = settings()
    return SqsExportQueue(sqs_client(conf.aws_region), conf.exports_queue_url)


@lru_cache
def export_files() -> ExportFiles:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3ExportFiles(s3, conf.documents_bucket)


def exports(
    records: Annotated[ExportRecords, Depends(export_records)],
    queue: Annotated[ExportQueue, Depends(export_queue)],
    files: Annotated[ExportFiles, Depends(export_files)],
    clock: ClockPort,
) -> Exports:
    return Exports(records, queue, files, clock)


ExportsCase = Annotated[Exports, Depends(exports)]
Exporter = Annotated[Person, Depends(Allowed(Action.EXPORT))]


def visible_export(export_id: str, exporter: Exporter, exports: ExportsCase) -> Export:
    """The export that the path names, if the person may see it."""
    return exports.export(exporter, export_id)


VisibleExport = Annotated[Export, Depends(visible_export)]
