"""The API, the identity and what the stack tells about itself."""

from pathlib import Path

import pytest

from clinic_api.schemas.problems import ProblemDocument
from infra.config import API_STAGE
from infra.template import Template, synthesize

OUTPUTS = {
    *(
        "ApiUrl",
        "UserPoolId",
        "UserPoolClientId",
        "OldAppsClientId",
        "AuditBucket",
        "AuditKeyId",
        "UploadsBucket",
        "ImagesBucket",
        "ModelsBucket",
    ),
    *("CaseworkTable", "RegistryTable", "UsersTable", "AuditTable", "EphemeralTable", "EventBusName"),
    *("QualityQueueUrl", "QualityDlqUrl", "InferenceQueueUrl", "InferenceDlqUrl"),
    *("RegistrationQueueUrl", "RegistrationDlqUrl"),
}


def test_the_stack_tells_where_everything_is(dev: Template, laptop: Template) -> None:
    told = set(dev.body["Outputs"])
    assert told == set(laptop.body["Outputs"])
    assert told >= OUTPUTS
    dead = [queue for queue in dev.of_type("AWS::SQS::Queue").values() if "RedrivePolicy" not in queue]
    assert len([name for name in told if name.endswith("DlqUrl")]) == len(dead)


def test_the_laptop_api_is_reached_at_the_laptop_cloud(laptop: Template) -> None:
    url = laptop.body["Outputs"]["ApiUrl"]["Value"]["Fn::Join"][1]
    assert url[0] == "http://localhost:4566/_aws/execute-api/"
    assert url[-1] == f"/{API_STAGE}"
    environment = laptop.function("clinic_api")["Environment"]["Variables"]
    assert environment["PRESIGN_ENDPOINT_URL"] == "http://localhost:4566"


def test_every_route_leads_to_the_api_function(dev: Template) -> None:
    methods = dev.of_type("AWS::ApiGateway::Method").values()
    assert {method["HttpMethod"] for method in methods} == {"ANY"}
    [resource] = dev.of_type("AWS::ApiGateway::Resource").values()
    assert resource["PathPart"] == "{proxy+}"
    for method in methods:
        assert method["Integration"]["Type"] == "AWS_PROXY"
        assert "Lambda" not in method.get("AuthorizerId", "")
        assert "RequestValidatorId" in method


def test_uploads_through_the_api_arrive_as_they_were_sent(dev: Template) -> None:
    [api] = dev.of_type("AWS::ApiGateway::RestApi").values()
    assert api["BinaryMediaTypes"] == ["multipart/form-data"]


def test_the_gateway_answers_in_the_shape_of_the_application(dev: Template) -> None:
    responses = dev.of_type("AWS::ApiGateway::GatewayResponse").values()
    by_type = {response["ResponseType"]: response for response in responses}
    for kind, status in {
        "REQUEST_TOO_LARGE": 413,
        "THROTTLED": 429,
        "WAF_FILTERED": 403,
        "ACCESS_DENIED": 403,
        "UNAUTHORIZED": 401,
        "DEFAULT_4XX": 400,
        "DEFAULT_5XX": 500,
    }.items():
        assert by_type[kind]["StatusCode"] == str(status)
    for response in responses:
        problem = ProblemDocument.model_validate_json(response["ResponseTemplates"]["application/json"])
        assert str(problem.status) == response["StatusCode"]
        assert problem.type == f"urn:triagelens:problem:{problem.code}"
        headers = response["ResponseParameters"]
        assert headers == {"gatewayresponse.header.Content-Type": "'application/problem+json'"}


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [("https://a.example", "'https://a.example'"), ("https://a.example,https://b.example", "'*'")],
)
def test_a_browser_may_read_the_gateways_answers_where_it_may_read_the_applications(
    tmp_path: Path, origins: str, allowed: str
) -> None:
    template = synthesize(tmp_path, {"stage": "dev", "cors_origins": origins})
    responses = template.of_type("AWS::ApiGateway::GatewayResponse").values()
    assert responses
    name = "gatewayresponse.header.Access-Control-Allow-Origin"
    assert {response["ResponseParameters"].get(name) for response in responses} == {allowed}
    name = "gatewayresponse.header.Access-Control-Allow-Credentials"
    with_credentials = None if allowed == "'*'" else "'true'"
    assert {response["ResponseParameters"].get(name) for response in responses} == {with_credentials}


def test_the_api_is_logged_throttled_and_behind_a_firewall(dev: Template) -> None:
    [stage] = dev.of_type("AWS::ApiGateway::Stage").values()
    assert stage["StageName"] == API_STAGE
    assert "DestinationArn" in stage["AccessLogSetting"]
    logged = stage["AccessLogSetting"]["Format"]
    assert "sourceIp" not in logged
    assert "authorizer" not in logged
    [settings] = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert not settings.get("DataTraceEnabled")
    [firewall] = dev.of_type("AWS::WAFv2::WebACL").values()
    names = [rule["Name"] for rule in firewall["Rules"]]
    assert "rate" in names
    assert "AWSManagedRulesCommonRuleSet" in names
    assert len(dev.of_type("AWS::WAFv2::WebACLAssociation")) == 1


def test_the_firewall_lets_photos_through(dev: Template) -> None:
    [firewall] = dev.of_type("AWS::WAFv2::WebACL").values()
    [common] = [rule for rule in firewall["Rules"] if rule["Name"] == "AWSManagedRulesCommonRuleSet"]
    overrides = common["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    counted = {override["Name"] for override in overrides if override["ActionToUse"] == {"Count": {}}}
    assert "SizeRestrictions_BODY" in counted


def test_people_sign_in_by_name_or_email_with_a_strong_password(dev: Template) -> None:
    [pool] = dev.of_type("AWS::Cognito::UserPool").values()
    assert pool["AliasAttributes"] == ["email"]
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    by_name = {entry["Name"]: entry for entry in pool["Schema"]}
    assert set(by_name) == {"email", "migration"}
    assert by_name["email"] == {"Name": "email", "Mutable": True, "Required": False}
    policy = pool["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 12
    assert all(policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    assert pool["UserPoolAddOns"]["AdvancedSecurityMode"] == "ENFORCED"


def test_the_client_tells_nobody_who_exists_and_its_tokens_are_short(dev: Template) -> None:
    clients = dev.of_type("AWS::Cognito::UserPoolClient")
    assert sorted(client["AccessTokenValidity"] for client in clients.values()) == [60, 24 * 60]
    [old] = [name for name, client in clients.items() if client["AccessTokenValidity"] == 24 * 60]
    assert dev.function("clinic_api")["Environment"]["Variables"]["OLD_APPS_CLIENT_ID"] == {"Ref": old}
    for client in clients.values():
        assert sorted(client["ExplicitAuthFlows"]) == ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
        assert client["PreventUserExistenceErrors"] == "ENABLED"
        assert client["EnableTokenRevocation"]
        assert not client.get("GenerateSecret")
        assert sorted(client["WriteAttributes"]) == ["email", "name"]  # and never the proof of a migration
    groups = {group["GroupName"] for group in dev.of_type("AWS::Cognito::UserPoolGroup").values()}
    assert groups == {"patient", "gp", "doctor", "researcher", "admin"}
