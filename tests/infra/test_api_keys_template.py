"""API keys are off, and a second layer where the context names who gets one."""

from pathlib import Path

import pytest

from infra.template import Template, synthesize


def test_nobody_needs_a_key_unless_the_context_says_so(dev: Template) -> None:
    methods = dev.of_type("AWS::ApiGateway::Method").values()
    assert methods
    assert not [method for method in methods if method.get("ApiKeyRequired")]
    assert dev.of_type("AWS::ApiGateway::ApiKey") == dev.of_type("AWS::ApiGateway::UsagePlan") == {}


@pytest.mark.parametrize(
    "context", [{"stage": "prod"}, {"stage": "laptop", "endpoint": "http://localhost:4566"}]
)
def test_each_name_gets_a_key_that_is_throttled_by_itself(tmp_path: Path, context: dict[str, str]) -> None:
    template = synthesize(tmp_path, {**context, "api_keys": "portal, clinic-a"})
    keys = template.of_type("AWS::ApiGateway::ApiKey")
    assert sorted(key["Description"] for key in keys.values()) == [
        "Triagelens: clinic-a",
        "Triagelens: portal",
    ]
    [plan] = template.of_type("AWS::ApiGateway::UsagePlan").values()
    assert plan["Throttle"]["RateLimit"] > 0
    assert plan["Quota"]["Period"] == "DAY"
    bound = template.of_type("AWS::ApiGateway::UsagePlanKey").values()
    assert {entry["KeyId"]["Ref"] for entry in bound} == set(keys)
    needs = {
        (method["HttpMethod"], bool(method.get("ApiKeyRequired")))
        for method in template.of_type("AWS::ApiGateway::Method").values()
    }
    assert needs == {("ANY", True), ("OPTIONS", False)}, "a browser's preflight carries no key"
