"""Entry point: every minute, a look at each specialty that has a candidate on trial."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.trials import DynamoTrials
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.canaries import CanaryWatch
from watch_canary.settings import settings

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """The versions that were taken out of service, by specialty."""
    reverted: dict[str, str] = {}
    for specialty in sorted(SPECIALTIES):
        found = watch().look(specialty)
        if found is None:
            continue
        reverted[specialty] = found.version
        logger.error("a candidate was rolled back", extra={"specialty": specialty, "version": found.version})
        metrics.add_metric(name="CanaryReverted", unit=MetricUnit.Count, value=1)
    return reverted


@lru_cache
def watch() -> CanaryWatch:
    conf = settings()
    return CanaryWatch(
        registry=DynamoRegistry(conf.registry_table, conf.aws_region),
        trials=DynamoTrials(conf.ephemeral_table, conf.aws_region, _now),
        audit=DynamoAuditTrail(conf.audit_table, conf.aws_region),
        clock=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
