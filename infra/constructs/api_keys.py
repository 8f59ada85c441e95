"""API keys as a second layer in front of the API: off, unless the context names who gets one."""

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

KEY_REQUESTS_PER_SECOND, KEY_BURST = 20, 40
KEY_REQUESTS_PER_DAY = 200_000


def require_keys(
    scope: Construct,
    rest: apigateway.RestApi,
    integration: apigateway.Integration,
    names: tuple[str, ...],
) -> None:
    """A key for each name, each throttled by itself. A browser's preflight carries none and needs none."""
    plan = rest.add_usage_plan(
        "plan",
        description="What each key may ask for",
        throttle=apigateway.ThrottleSettings(rate_limit=KEY_REQUESTS_PER_SECOND, burst_limit=KEY_BURST),
        quota=apigateway.QuotaSettings(limit=KEY_REQUESTS_PER_DAY, period=apigateway.Period.DAY),
        api_stages=[apigateway.UsagePlanPerApiStage(api=rest, stage=rest.deployment_stage)],
    )
    for name in names:
        key = apigateway.ApiKey(scope, f"key-{name}", description=f"Triagelens: {name}")
        plan.add_api_key(key)
    for resource in (rest.root, rest.root.get_resource("{proxy+}")):
        if resource is not None:
            resource.add_method("OPTIONS", integration, api_key_required=False)
