"""What exports may read everything, and write exports alone."""

import json
from collections.abc import Callable

import pytest

from infra.config import EXPORTS_EXPIRE_DAYS
from infra.redrive import QUEUES
from infra.template import Template
from tests.infra.test_permissions import allowed
from triagelens.domain.exports import KEPT, LOST_AFTER, MOST_BYTES

SMALLEST_DISK_BYTES = 512 * 1024**2  # what every function has as /tmp


def test_it_writes_no_record_but_exports(dev: Template) -> None:
    role = dev.function("export_records")["Role"]["Fn::GetAtt"][0]
    [policy] = [p for p in dev.of_type("AWS::IAM::Policy").values() if {"Ref": role} in p["Roles"]]
    table = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    reads, writes = set[str](), dict[str, object]()
    for statement in policy["PolicyDocument"]["Statement"]:
        if table not in json.dumps(statement["Resource"]):
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if "Condition" in statement:
            [keys] = statement["Condition"]["ForAllValues:StringLike"].values()
            writes |= dict.fromkeys(actions, keys)
        else:
            reads |= set(actions)
    assert reads == {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
    assert set(writes) == {"dynamodb:PutItem"}
    assert writes["dynamodb:PutItem"] in ("EXPORT#*", ["EXPORT#*"])


def test_of_the_buckets_it_reads_drawings_and_writes_exports(dev: Template) -> None:
    documents = dev.logical_id("AWS::S3::Bucket", "Storagedocuments")
    images = dev.logical_id("AWS::S3::Bucket", "Storageimages")
    assert allowed(dev, "export_records", documents) == {"s3:PutObject"}
    assert allowed(dev, "export_records", f'"{images}", "Arn"]}}, "/annotations/') == {
        "s3:GetObject",
        "s3:GetObjectVersion",
    }
    assert "s3:GetObject" not in allowed(dev, "export_records", f'"{images}", "Arn"]}}, "/working/')


def test_the_api_signs_links_to_exports_and_writes_none(dev: Template) -> None:
    documents = dev.logical_id("AWS::S3::Bucket", "Storagedocuments")
    reads = {"s3:GetObject", "s3:GetObjectVersion"}
    assert allowed(dev, "clinic_api", f'"{documents}", "Arn"]}}, "/exports/') == reads


@pytest.mark.parametrize("stage", ["dev", "prod", "laptop"])
def test_reading_ends_well_before_the_function_does(
    template_of: Callable[[str], Template], stage: str
) -> None:
    function = template_of(stage).function("export_records")
    budget = float(function["Environment"]["Variables"]["EXPORT_BUDGET_S"])
    assert 0.5 * function["Timeout"] < budget <= 0.8 * function["Timeout"]


def test_a_message_dies_before_its_export_counts_as_lost(dev: Template) -> None:
    queue = dev.only("AWS::SQS::Queue", "exportsqueue")
    longest_s = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert longest_s < LOST_AFTER.total_seconds()


def test_the_bucket_keeps_a_file_as_long_as_its_record_says_and_a_disk_holds_it() -> None:
    assert KEPT.days == EXPORTS_EXPIRE_DAYS
    assert SMALLEST_DISK_BYTES > MOST_BYTES


def test_dead_letters_raise_an_alarm_and_can_be_redriven(dev: Template) -> None:
    dlq = dev.logical_id("AWS::SQS::Queue", "exportsdlq")
    alarm = dev.only("AWS::CloudWatch::Alarm", "exportsdeadletters")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [dlq, "QueueName"]}}]
    assert "exports" in QUEUES
    assert {"ExportsQueueUrl", "ExportsDlqUrl"} <= set(dev.body["Outputs"])
