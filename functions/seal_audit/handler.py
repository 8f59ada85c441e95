"""Entry point: every hour, closes the days that are over. Safe to run at any time."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from seal_audit.settings import settings
from triagelens.adapters.audit_exports import KmsSigner, S3AuditExports
from triagelens.adapters.aws import kms_client, s3_client
from triagelens.adapters.dynamodb.audit_chain import DynamoChain
from triagelens.services.audit_chain import Sealing

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def sealing() -> Sealing:
    conf = settings()
    return Sealing(
        records=DynamoChain(conf.audit_table, conf.aws_region),
        exports=S3AuditExports(s3_client(conf.aws_region, path_style=conf.path_style), conf.audit_bucket),
        signer=KmsSigner(kms_client(conf.aws_region), conf.audit_key_id),
        clock=lambda: datetime.now(UTC),
    )


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[str]]:
    closed = [day.isoformat() for day in sealing().close_due()]
    logger.info("closed", extra={"days": closed})
    metrics.add_metric(name="AuditDaysClosed", unit=MetricUnit.Count, value=len(closed))
    return {"closed": closed}
