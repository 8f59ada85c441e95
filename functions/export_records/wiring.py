"""Builds the use case from adapters, once per process."""

import time
from datetime import UTC, datetime
from functools import lru_cache

from export_records.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dynamodb.annotations import DynamoAnnotations
from triagelens.adapters.dynamodb.exports import DynamoExports, DynamoExportSource
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.export_files import S3ExportFiles
from triagelens.adapters.s3 import S3ShapeFiles
from triagelens.services.export_drawings import ExportDrawings
from triagelens.services.export_making import ExportMaking
from triagelens.services.export_reading import ExportReading
from triagelens.services.export_writing import ExportWriter


def _now() -> datetime:
    return datetime.now(UTC)


@lru_cache
def making() -> ExportMaking:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style)
    table = conf.casework_table, conf.aws_region
    reading = ExportReading(DynamoExportSource(*table), DynamoPanels(*table))
    drawings = ExportDrawings(reading, DynamoAnnotations(*table), S3ShapeFiles(s3, conf.images_bucket))
    return ExportMaking(
        records=DynamoExports(*table),
        writer=ExportWriter(reading, drawings, time.monotonic, conf.export_budget_s),
        files=S3ExportFiles(s3, conf.documents_bucket),
        clock=_now,
    )
