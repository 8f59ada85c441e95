"""The answers that API Gateway gives by itself, in the shape of the application's errors."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from aws_cdk import aws_apigateway as apigateway

# By the gateway's own name for what went wrong: (status, code, detail).
GATEWAY_ERRORS = {
    "ACCESS_DENIED": (403, "forbidden", "Access is denied."),
    "BAD_REQUEST_BODY": (400, "invalid_request", "The request is not as described."),
    "BAD_REQUEST_PARAMETERS": (400, "invalid_request", "The request is not as described."),
    "INVALID_API_KEY": (403, "forbidden", "This needs an API key: `X-API-Key`."),
    "INTEGRATION_FAILURE": (504, "unavailable", "The service did not answer; try again."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "No answer came in time; try again."),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden", "There is nothing at this address."),
    "QUOTA_EXCEEDED": (429, "too_many_requests", "The quota is used up."),
    "REQUEST_TOO_LARGE": (
        413,
        "payload_too_large",
        "The request is too large; ask POST /v1/images for an upload, which takes photos of up to 50 MB.",
    ),
    "RESOURCE_NOT_FOUND": (404, "not_found", "There is nothing at this address."),
    "THROTTLED": (429, "throttled", "Too many requests; slow down and try again."),
    "UNAUTHORIZED": (401, "unauthenticated", "Sign in first."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "invalid_request", "The content type is not one that is taken here."),
    "WAF_FILTERED": (403, "forbidden", "The request was blocked."),
    "DEFAULT_4XX": (400, "invalid_request", "The request was refused."),
    "DEFAULT_5XX": (500, "internal_error", "Something went wrong on our side."),
}


def shape_gateway_errors(rest: apigateway.RestApi, origins: Sequence[str]) -> None:
    """Give each of them as a problem document, which browsers of `origins` may read."""
    headers = {"Content-Type": "'application/problem+json'"}
    if origins:
        # A gateway response holds one fixed value. It carries nothing but the problem itself.
        allowed = origins[0] if len(origins) == 1 else "*"
        headers["Access-Control-Allow-Origin"] = f"'{allowed}'"
        if allowed != "*":  # browsers take credentials and "*" together for a mistake
            headers["Access-Control-Allow-Credentials"] = "'true'"
    for kind, (status, code, detail) in GATEWAY_ERRORS.items():
        problem = {
            "type": f"urn:triagelens:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "code": code,
            "correlation_id": "$context.requestId",
        }
        rest.add_gateway_response(
            f"on-{kind.lower().replace('_', '-')}",
            type=apigateway.ResponseType.of(kind),
            status_code=str(status),
            response_headers=headers,
            templates={"application/json": json.dumps(problem)},
        )
