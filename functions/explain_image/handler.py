"""Entry point: one request of the API, who has checked that the person may see the image."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from explain_image.wiring import explaining
from triagelens.domain.errors import TriagelensError

logger = Logger()
metrics = Metrics()
tracer = Tracer()


class ExplanationRequest(BaseModel):
    image_id: str
    label: str


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The explanation, or `{"problem": why not}` where asking again would change nothing."""
    request = ExplanationRequest.model_validate(event)
    logger.append_keys(image_id=request.image_id)
    try:
        explanation = explaining().explain(request.image_id, request.label)
    except TriagelensError as error:
        logger.warning("not explained", extra={"cause": error.code})
        return {"problem": str(error)}
    metrics.add_metric(name=f"Explained.{explanation.method}", unit=MetricUnit.Count, value=1)
    return explanation.model_dump(mode="json")
