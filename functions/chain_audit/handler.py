"""Entry point: the audit table's stream, in its order. One runs at a time; what raises comes again."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from chain_audit.settings import settings
from triagelens.adapters.dynamodb.audit_chain import DynamoChain
from triagelens.adapters.dynamodb.audit_stream import audit_changes
from triagelens.services.audit_chain import Chain

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@lru_cache
def chain() -> Chain:
    conf = settings()
    return Chain(DynamoChain(conf.audit_table, conf.aws_region), clock=lambda: datetime.now(UTC))


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    entries, touched = audit_changes(event["Records"])
    for item in touched:
        logger.error("the audit trail was touched", extra={"what": item.what, "pk": item.pk, "sk": item.sk})
        metrics.add_metric(name="AuditTouched", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="AuditLinked", unit=MetricUnit.Count, value=chain().link(entries))
