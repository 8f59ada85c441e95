"""Buckets and tables as they will be made."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pynamodb.models import Model

from infra.config import DLQ_RETENTION_DAYS
from infra.template import Template, synthesize
from triagelens.adapters.dynamodb.tables import (
    AuditItem,
    CaseworkItem,
    EphemeralItem,
    RegistryItem,
    UsersItem,
)

TABLES: dict[str, type[Model]] = {
    "casework": CaseworkItem,
    "registry": RegistryItem,
    "users": UsersItem,
    "audit": AuditItem,
    "ephemeral": EphemeralItem,
}
BUCKETS = ["uploads", "images", "models", "learning", "documents"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_keys_and_indexes_that_the_library_uses(dev: Template, name: str) -> None:
    table = dev.only("AWS::DynamoDB::Table", f"Storage{name}")
    used = TABLES[name]._get_schema()

    assert named(table["KeySchema"]) == named(used["key_schema"])
    assert named(table["AttributeDefinitions"]) == named(used["attribute_definitions"])
    assert {
        index["IndexName"]: (named(index["KeySchema"]), index["Projection"])
        for index in table.get("GlobalSecondaryIndexes", [])
    } == {
        index["index_name"]: (named(index["key_schema"]), index["projection"])
        for index in used["global_secondary_indexes"]
    }


def test_there_are_just_these_tables(dev: Template) -> None:
    assert len(dev.of_type("AWS::DynamoDB::Table")) == len(TABLES)


def test_casework_streams_both_images_and_the_audit_trail_what_is_new(dev: Template) -> None:
    tables = {name: dev.only("AWS::DynamoDB::Table", f"Storage{name}") for name in TABLES}
    assert {
        name: table["StreamSpecification"]["StreamViewType"]
        for name, table in tables.items()
        if "StreamSpecification" in table
    } == {"casework": "NEW_AND_OLD_IMAGES", "audit": "NEW_IMAGE"}


def test_what_is_ephemeral_expires_and_all_else_can_be_recovered(prod: Template) -> None:
    for name in TABLES:
        table = prod.only("AWS::DynamoDB::Table", f"Storage{name}")
        recovery = table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert recovery == (name != "ephemeral")
        expected = {"AttributeName": "expires_at", "Enabled": True} if name == "ephemeral" else None
        assert table.get("TimeToLiveSpecification") == expected
        assert table["SSESpecification"]["SSEEnabled"]
    assert "expires_at" in EphemeralItem.get_attributes()


@pytest.mark.parametrize(("stage", "policy"), [("prod", "Retain"), ("dev", "Delete")])
def test_production_keeps_its_data_when_the_stack_goes(
    template_of: Callable[[str], Template], stage: str, policy: str
) -> None:
    template = template_of(stage)
    kept = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
    resources = [r for r in template.body["Resources"].values() if r["Type"] in kept]
    assert {resource["Type"] for resource in resources} == kept
    assert {resource["DeletionPolicy"] for resource in resources} == {policy}
    for table in template.of_type("AWS::DynamoDB::Table").values():
        assert bool(table.get("DeletionProtectionEnabled")) == (stage == "prod")


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_versioned_and_logged(dev: Template, name: str) -> None:
    bucket = dev.only("AWS::S3::Bucket", f"Storage{name}")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    key = "Storageoriginalskey" if name == "uploads" else "Storagedatakey"
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0].startswith(key)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LoggingConfiguration"]["LogFilePrefix"] == f"{name}/"


def test_every_bucket_refuses_what_comes_without_tls(dev: Template) -> None:
    policies = dev.of_type("AWS::S3::BucketPolicy")
    assert {policy["Bucket"]["Ref"] for policy in policies.values()} == set(dev.of_type("AWS::S3::Bucket"))
    for policy in policies.values():
        assert any(
            statement["Effect"] == "Deny"
            and statement["Action"] == "s3:*"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in policy["PolicyDocument"]["Statement"]
        )


def test_originals_outlive_the_dead_letters_that_point_to_them_and_then_go(dev: Template) -> None:
    bucket = dev.only("AWS::S3::Bucket", "Storageuploads")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    dlq = dev.only("AWS::SQS::Queue", "qualitydlq")
    assert dlq["MessageRetentionPeriod"] == DLQ_RETENTION_DAYS * 24 * 3600
    assert DLQ_RETENTION_DAYS < rule["ExpirationInDays"] <= DLQ_RETENTION_DAYS + 2
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": rule["ExpirationInDays"]}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize("name", ["images", "models"])
def test_working_images_and_models_stay(dev: Template, name: str) -> None:
    [rule] = dev.only("AWS::S3::Bucket", f"Storage{name}")["LifecycleConfiguration"]["Rules"]
    assert "ExpirationInDays" not in rule


def test_no_version_of_a_model_that_the_registry_may_pin_expires(dev: Template) -> None:
    [rule] = dev.only("AWS::S3::Bucket", "Storagemodels")["LifecycleConfiguration"]["Rules"]
    assert "NoncurrentVersionExpiration" not in rule


def test_of_what_is_learnt_from_only_archives_and_former_checkpoints_expire(dev: Template) -> None:
    bucket = dev.only("AWS::S3::Bucket", "Storagelearning")
    rules = {rule["Prefix"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"archives/", "jobs/"}
    archives, jobs = rules["archives/"], rules["jobs/"]
    assert archives["ExpirationInDays"] == 30
    assert archives["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert archives["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert "ExpirationInDays" not in jobs
    assert jobs["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_an_export_is_gone_after_a_week_with_its_former_versions(dev: Template) -> None:
    bucket = dev.only("AWS::S3::Bucket", "Storagedocuments")
    [rule] = [r for r in bucket["LifecycleConfiguration"]["Rules"] if r.get("Prefix") == "exports/"]
    assert rule["ExpirationInDays"] == 7
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_the_documents_bucket_is_told(dev: Template) -> None:
    bucket = {"Ref": dev.logical_id("AWS::S3::Bucket", "Storagedocuments")}
    assert dev.body["Outputs"]["DocumentsBucket"]["Value"] == bucket
    assert dev.function("clinic_api")["Environment"]["Variables"]["DOCUMENTS_BUCKET"] == bucket


def test_the_learning_bucket_is_told(dev: Template) -> None:
    bucket = {"Ref": dev.logical_id("AWS::S3::Bucket", "Storagelearning")}
    assert dev.body["Outputs"]["LearningBucket"]["Value"] == bucket
    assert dev.function("clinic_api")["Environment"]["Variables"]["LEARNING_BUCKET"] == bucket


def test_without_configured_origins_no_browser_may_read_anything(dev: Template) -> None:
    assert "CorsConfiguration" not in dev.only("AWS::S3::Bucket", "Storageuploads")
    assert dev.function("clinic_api")["Environment"]["Variables"]["CORS_ORIGINS"] == ""
    for response in dev.of_type("AWS::ApiGateway::GatewayResponse").values():
        assert not [name for name in response["ResponseParameters"] if "Access-Control" in name]


def test_a_browser_may_post_its_photo_from_the_configured_origins(tmp_path: Path) -> None:
    template = synthesize(tmp_path, {"stage": "dev", "cors_origins": "https://a.example, https://b.example"})
    [rule] = template.only("AWS::S3::Bucket", "Storageuploads")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST"]
    assert rule["AllowedOrigins"] == ["https://a.example", "https://b.example"]
    environment = template.function("clinic_api")["Environment"]["Variables"]
    assert environment["CORS_ORIGINS"] == "https://a.example,https://b.example"


def named(definitions: Sequence[Mapping[str, object]]) -> list[str]:
    """Key or attribute definitions, comparable whatever their order."""
    return sorted(json.dumps(definition, sort_keys=True) for definition in definitions)
