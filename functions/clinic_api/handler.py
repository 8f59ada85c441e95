"""Entry point: API Gateway's proxy events."""

import logging
from functools import lru_cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from mangum import Mangum
from mangum.types import LambdaContext

from clinic_api.app import create_app
from clinic_api.errors import MEDIA_TYPE
from clinic_api.observability import logger, metrics, tracer
from clinic_api.settings import settings

# Everything that the API answers with; anything else would reach the caller as base64.
TEXT_TYPES = ["application/json", MEDIA_TYPE, "text/plain"]
# The application has logged its own errors by then, without the values that Python's words may repeat.
logging.getLogger("mangum").setLevel(logging.CRITICAL + 1)


@lru_cache
def application() -> Mangum:
    """The application, made at the first request."""
    conf = settings()
    return Mangum(
        create_app(conf.origins),
        lifespan="off",
        api_gateway_base_path=conf.api_base_path,
        text_mime_types=TEXT_TYPES,
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    answer = application()(event, context)
    metrics.add_metric(name=f"Responses{answer['statusCode'] // 100}xx", unit=MetricUnit.Count, value=1)
    return answer
