"""Each function may do its work and nothing else."""

import json
import re

import pytest

from infra.config import CLOUD_SIZES, ROOT
from infra.template import Template


def allowed(template: Template, package: str, marker: str) -> set[str]:
    """Every action that a function's role has on resources whose ARN tells of the marker."""
    return {
        action
        for actions, resources in template.statements(package)
        for action in actions
        if any(marker in json.dumps(resource) for resource in resources)
    }


def readers(template: Template, marker: str, actions: set[str]) -> set[str]:
    return {
        package
        for package in CLOUD_SIZES
        if any(action in actions or action.endswith("*") for action in allowed(template, package, marker))
    }


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_only_the_quality_check_can_read_an_original(request: pytest.FixtureRequest, stage: str) -> None:
    template: Template = request.getfixturevalue(stage)
    bucket = template.logical_id("AWS::S3::Bucket", "Storageuploads")
    key = template.logical_id("AWS::KMS::Key", "originalskey")
    assert readers(template, bucket, {"s3:GetObject", "s3:GetObjectVersion"}) == {"check_quality"}
    assert readers(template, key, {"kms:Decrypt"}) == {"check_quality"}


def test_nobody_gets_at_an_original_through_the_policy_of_its_bucket_or_key(dev: Template) -> None:
    bucket = dev.only("AWS::S3::BucketPolicy", "Storageuploads")["PolicyDocument"]["Statement"]
    assert {statement["Effect"] for statement in bucket} == {"Deny"}
    [key] = dev.only("AWS::KMS::Key", "originalskey")["KeyPolicy"]["Statement"]
    assert json.dumps(key["Principal"]).count(":root") == 1  # the account itself, so that roles decide


def test_the_api_signs_uploads_and_cannot_read_them_back(dev: Template) -> None:
    bucket = dev.logical_id("AWS::S3::Bucket", "Storageuploads")
    assert allowed(dev, "clinic_api", bucket) == {"s3:PutObject"}
    key = dev.logical_id("AWS::KMS::Key", "originalskey")
    assert allowed(dev, "clinic_api", key) == {"kms:GenerateDataKey"}


def test_the_api_puts_datasets_together_and_cannot_read_what_was_sent(dev: Template) -> None:
    bucket = dev.logical_id("AWS::S3::Bucket", "Storagelearning")
    assert allowed(dev, "clinic_api", f'"{bucket}", "Arn"]}}, "/archives/') == {
        "s3:PutObject",
        "s3:ListMultipartUploadParts",
        "s3:AbortMultipartUpload",
    }
    reads = {"s3:GetObject", "s3:GetObjectVersion"}
    assert allowed(dev, "clinic_api", f'"{bucket}", "Arn"]}}, "/snapshots/') == reads


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_no_role_has_a_wildcard_action_or_more_than_tracing_on_every_resource(
    dev: Template, package: str
) -> None:
    for actions, resources in dev.statements(package):
        assert not [action for action in actions if "*" in action]
        if "*" in resources:
            assert actions <= {
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "dynamodb:ListStreams",
            }


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_a_function_writes_its_own_log_and_no_other(dev: Template, package: str) -> None:
    own = dev.function(package)["LoggingConfig"]["LogGroup"]["Ref"]
    writes = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert writes <= allowed(dev, package, own)  # its metrics are lines of its log, too
    for log in set(dev.of_type("AWS::Logs::LogGroup")) - {own}:
        assert not allowed(dev, package, log)


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_no_function_scans_a_table(dev: Template, package: str) -> None:
    actions = {action for found, _ in dev.statements(package) for action in found}
    assert actions
    assert "dynamodb:Scan" not in actions


def test_the_audit_trail_can_be_added_to_and_not_rewritten(dev: Template) -> None:
    table = dev.logical_id("AWS::DynamoDB::Table", "Storageaudit")
    changes = {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    assert readers(dev, table, changes) == set()
    adders = {"clinic_api", "register_model", "watch_canary", "chain_audit", "seal_audit", "erase_patient"}
    assert readers(dev, table, {"dynamodb:PutItem"}) == adders  # each its own kind of item


@pytest.mark.parametrize(
    ("package", "writes"),
    [
        ("check_quality", {"Storageimages"}),
        ("run_inference", set()),
        ("publish_events", set()),
        ("rank_cases", set()),
        ("mark_dead_letters", set()),
        ("register_model", {"Storagemodels"}),
        ("replay_model", set()),
        ("watch_canary", set()),
        ("render_report", {"Storagedocuments"}),
        (
            "clinic_api",
            {"Storageuploads", "Storageimages", "Storagemodels", "Storagelearning", "Storagedocuments"},
        ),
    ],
)
def test_a_function_writes_only_the_objects_that_it_makes(
    dev: Template, package: str, writes: set[str]
) -> None:
    written = {
        name
        for name in (
            "Storageuploads",
            "Storageimages",
            "Storagemodels",
            "Storagelearning",
            "Storagedocuments",
        )
        if "s3:PutObject" in allowed(dev, package, dev.logical_id("AWS::S3::Bucket", name))
    }
    assert written == writes


def test_only_publish_events_speaks_on_the_bus(dev: Template) -> None:
    bus = dev.logical_id("AWS::Events::EventBus", "bus")
    assert readers(dev, bus, {"events:PutEvents"}) == {"publish_events"}


def test_the_api_may_ask_cognito_for_what_its_adapters_ask_and_for_nothing_else(dev: Template) -> None:
    adapters = sorted((ROOT / "layers/core/python/triagelens/adapters").glob("cognito*.py"))
    source = "".join(path.read_text() for path in adapters)
    calls = set(re.findall(r"_client\.([a-z_]+)\(", source))
    assert {"sign_up", "admin_create_user", "verify_software_token"} <= calls
    pool = dev.logical_id("AWS::Cognito::UserPool", "Identitypool")
    asked = {f"cognito-idp:{operation(call)}" for call in calls}
    assert asked == allowed(dev, "clinic_api", pool)


def operation(method: str) -> str:
    """The API's name of a boto3 method."""
    return "".join("MFA" if part == "mfa" else part.capitalize() for part in method.split("_"))


def test_alarms_may_speak_on_their_topic(dev: Template) -> None:
    """A policy of one's own takes the place of the one by which an account's alarms may."""
    [policy] = dev.of_type("AWS::SNS::TopicPolicy").values()
    statements = policy["PolicyDocument"]["Statement"]
    [speaks] = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert speaks["Action"] == "sns:Publish"
    assert speaks["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert speaks["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert speaks["Resource"] == {"Ref": dev.logical_id("AWS::SNS::Topic", "alarms")}


def test_a_model_is_signed_by_who_registers_it_and_by_nobody_else(dev: Template) -> None:
    key = dev.logical_id("AWS::KMS::Key", "signingkey")
    assert dev.only("AWS::KMS::Key", "signingkey")["KeySpec"] == "ECC_NIST_P256"
    assert dev.only("AWS::KMS::Key", "signingkey")["KeyUsage"] == "SIGN_VERIFY"
    assert readers(dev, key, {"kms:Sign"}) == {"register_model"}
    loads = {"register_model", "run_inference", "replay_model", "explain_image"}
    assert readers(dev, key, {"kms:Verify"}) == loads


def test_who_serves_models_cannot_move_the_pointer_or_change_a_card(dev: Template) -> None:
    registry = dev.logical_id("AWS::DynamoDB::Table", "Storageregistry")
    changes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    assert not allowed(dev, "run_inference", registry) & changes
    ephemeral = dev.logical_id("AWS::DynamoDB::Table", "Storageephemeral")
    assert allowed(dev, "run_inference", ephemeral) == {"dynamodb:UpdateItem"}
    assert allowed(dev, "watch_canary", ephemeral) == {"dynamodb:Query"}


def test_a_replay_reads_findings_and_images_and_changes_neither(dev: Template) -> None:
    casework = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    assert allowed(dev, "replay_model", casework) == {"dynamodb:Query"}
