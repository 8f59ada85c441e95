"""What erases may remove what is a patient's, and neither read a photo nor write one."""

import json
from typing import Any

import pytest

from infra.constructs.erasure import ERASED_PREFIXES
from infra.template import Template
from tests.infra.test_permissions import allowed
from triagelens.services.erasure import SWEEP_AFTER_S

BUCKETS = {name: f"Storage{name}" for name in ERASED_PREFIXES}
REMOVES = {"s3:DeleteObject", "s3:DeleteObjectVersion"}


@pytest.mark.parametrize("name", ERASED_PREFIXES)
def test_it_removes_versions_below_the_prefixes_and_does_nothing_else_to_objects(
    dev: Template, name: str
) -> None:
    bucket = dev.logical_id("AWS::S3::Bucket", BUCKETS[name])
    assert allowed(dev, "erase_patient", bucket) == {*REMOVES, "s3:ListBucketVersions"}
    told = [
        json.dumps(resource)
        for actions, resources in dev.statements("erase_patient")
        for resource in resources
        if actions & REMOVES and bucket in json.dumps(resource)
    ]
    assert len(told) == len(ERASED_PREFIXES[name])
    for prefix in ERASED_PREFIXES[name]:
        assert any(f"/{prefix}*" in resource for resource in told)


def test_nobody_else_removes_versions_but_the_quality_check_its_own(dev: Template) -> None:
    functions = {
        properties["Handler"].partition(".")[0]
        for properties in dev.of_type("AWS::Lambda::Function").values()
        if properties["Handler"].endswith(".handler.handler")
    }
    assert {"erase_patient", "clinic_api", "check_quality"} <= functions
    may = {
        package
        for package in functions
        for actions, _ in dev.statements(package)
        if "s3:DeleteObjectVersion" in actions
    }
    assert may == {"erase_patient", "check_quality"}


def test_it_removes_accounts_and_asks_for_nothing_more(dev: Template) -> None:
    pool = dev.logical_id("AWS::Cognito::UserPool", "Identitypool")
    asked = allowed(dev, "erase_patient", pool)
    assert asked == {"cognito-idp:AdminGetUser", "cognito-idp:AdminDeleteUser"}


def test_a_message_waits_longer_than_any_request_or_form_lasts(dev: Template) -> None:
    expiry_s = int(dev.function("clinic_api")["Environment"]["Variables"]["UPLOAD_EXPIRY_S"])
    others = [
        properties["Timeout"]
        for properties in dev.of_type("AWS::Lambda::Function").values()
        if properties["Handler"].partition(".")[0] in ("clinic_api", "check_quality", "run_inference")
    ]
    assert len(others) == 3
    assert expiry_s + max(others) < SWEEP_AFTER_S <= 900  # the longest that SQS holds a message back


def test_it_is_looked_after_every_hour(dev: Template) -> None:
    function = dev.logical_id("AWS::Lambda::Function", "Functionserasepatient")
    rules: list[Any] = [
        rule
        for rule in dev.of_type("AWS::Events::Rule").values()
        if function in json.dumps(rule.get("Targets", []))
    ]
    assert [rule["ScheduleExpression"] for rule in rules] == ["rate(1 hour)"]


def test_a_dead_letter_of_an_erasure_raises_an_alarm(dev: Template) -> None:
    dlq = dev.logical_id("AWS::SQS::Queue", "erasuredlq")
    alarms = [alarm for alarm in dev.of_type("AWS::CloudWatch::Alarm").values() if dlq in json.dumps(alarm)]
    assert len(alarms) == 1
    assert alarms[0]["AlarmActions"]
