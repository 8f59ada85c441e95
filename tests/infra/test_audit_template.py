"""The audit trail as it will be made: added to by some, changed by nobody, closed days out of reach."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.config import AUDIT_KEPT_DAYS
from infra.template import Template
from triagelens.adapters.dynamodb.audit_chain import CHAINS, SEALS


def keys_of(template: Template, package: str, action: str) -> set[str] | None:
    """Partition keys that a role may use an action on; None means any."""
    role = template.function(package)["Role"]["Fn::GetAtt"][0]
    table = template.logical_id("AWS::DynamoDB::Table", "Storageaudit")
    found: set[str] = set()
    for policy in template.of_type("AWS::IAM::Policy").values():
        if {"Ref": role} not in policy["Roles"]:
            continue
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            told = action in (actions if isinstance(actions, list) else [actions])
            if told and table in json.dumps(statement["Resource"]):
                if "Condition" not in statement:
                    return None
                found |= set(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    return found


@pytest.mark.parametrize(
    ("package", "adds"),
    [
        ("clinic_api", {"DAY#*", "ERASURES"}),
        ("erase_patient", {"ERASURE#*"}),
        ("register_model", {"DAY#*"}),
        ("chain_audit", {"CHAIN#*", CHAINS, "ENTRY#*"}),
        ("seal_audit", {SEALS}),
    ],
)
def test_each_writer_adds_its_own_kind_of_item_and_no_other(
    prod: Template, package: str, adds: set[str]
) -> None:
    assert keys_of(prod, package, "dynamodb:PutItem") == adds
    for action in ("dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"):
        assert keys_of(prod, package, action) == set()


def mapping(template: Template) -> dict[str, Any]:
    table = template.logical_id("AWS::DynamoDB::Table", "Storageaudit")
    (found,) = [
        mapping
        for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if table in json.dumps(mapping["EventSourceArn"])
    ]
    return found


@pytest.mark.parametrize("stage", ["prod", "laptop"])
def test_the_stream_is_followed_in_strict_order_and_nothing_is_skipped(
    template_of: Callable[[str], Template], stage: str
) -> None:
    template = template_of(stage)
    found = mapping(template)
    assert found["ParallelizationFactor"] == 1
    assert found["StartingPosition"] == "TRIM_HORIZON"
    assert "MaximumRetryAttempts" not in found  # until the stream forgets
    assert not found.get("BisectBatchOnFunctionError")
    assert "DestinationConfig" not in found
    patterns = [json.loads(filtered["Pattern"]) for filtered in found["FilterCriteria"]["Filters"]]
    assert {"eventName": ["MODIFY", "REMOVE"]} in patterns
    assert {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "DAY#"}]}}}} in patterns
    stream = template.only("AWS::DynamoDB::Table", "Storageaudit")["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_IMAGE"}


def test_one_link_and_one_seal_is_made_at_a_time(prod: Template) -> None:
    for package in ("chain_audit", "seal_audit"):
        assert prod.function(package)["ReservedConcurrentExecutions"] == 1


@pytest.mark.parametrize(
    ("stage", "mode", "days"),
    [("prod", "COMPLIANCE", AUDIT_KEPT_DAYS), ("dev", "GOVERNANCE", 1), ("laptop", "GOVERNANCE", 1)],
)
def test_closed_days_are_locked(
    template_of: Callable[[str], Template], stage: str, mode: str, days: int
) -> None:
    bucket = template_of(stage).only("AWS::S3::Bucket", "Storageaudit")
    assert bucket["ObjectLockEnabled"] is True
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": mode, "Days": days}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert "ExpirationInDays" not in rule
    assert "NoncurrentVersionExpiration" not in rule


def test_nobody_but_seal_audit_writes_or_signs_a_closed_day(prod: Template) -> None:
    bucket = prod.logical_id("AWS::S3::Bucket", "Storageaudit")
    key = prod.logical_id("AWS::KMS::Key", "Auditkey")
    packages = [f["Handler"].split(".")[0] for f in prod.of_type("AWS::Lambda::Function").values()]
    writers, signers, removers = set(), set(), set()
    for package in packages:
        for actions, resources in prod.statements(package):
            told = json.dumps(resources)
            writers |= {package} if bucket in told and "s3:PutObject" in actions else set()
            signers |= {package} if key in told and "kms:Sign" in actions else set()
            unlocks = {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"}
            removers |= {package} if bucket in told and actions & unlocks else set()
    assert (writers, signers, removers) == ({"seal_audit"}, {"seal_audit"}, set())
    assert prod.of_type("AWS::KMS::Key")[key]["KeySpec"] == "ECC_NIST_P256"
    assert prod.body["Resources"][key]["DeletionPolicy"] == "Retain"


def test_days_are_closed_every_hour(prod: Template) -> None:
    function = prod.logical_id("AWS::Lambda::Function", "sealaudit")
    schedules = [
        rule["ScheduleExpression"]
        for rule in prod.of_type("AWS::Events::Rule").values()
        if function in json.dumps(rule.get("Targets", []))
    ]
    assert schedules == ["rate(1 hour)"]


def test_somebody_hears_of_a_touched_or_late_trail(prod: Template) -> None:
    names = set(prod.of_type("AWS::CloudWatch::Alarm"))
    for told in ("audittouched", "auditbehind", "chainauditerrors", "sealauditerrors"):
        assert [name for name in names if told in name.lower()], told
