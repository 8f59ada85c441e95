"""Reports: asked for through the bus, made with the least rights, told about when they die."""

import json

import pytest

from infra.config import MAX_RECEIVE_COUNT
from infra.template import Template, synthesize
from tests.infra.test_permissions import allowed, readers


def test_a_request_reaches_the_queue_through_the_bus(dev: Template) -> None:
    rule = dev.only("AWS::Events::Rule", "Reportsrequested")
    assert rule["EventPattern"] == {"source": ["triagelens"], "detail-type": ["report.requested"]}
    queue = dev.logical_id("AWS::SQS::Queue", "reportsqueue")
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": [queue, "Arn"]}]
    assert (
        dev.only("AWS::SQS::Queue", "reportsqueue")["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVE_COUNT
    )


def test_who_makes_reports_reads_pictures_and_writes_reports_and_nothing_else(dev: Template) -> None:
    documents = dev.logical_id("AWS::S3::Bucket", "Storagedocuments")
    images = dev.logical_id("AWS::S3::Bucket", "Storageimages")
    assert allowed(dev, "render_report", f'"{documents}", "Arn"]}}, "/reports/') == {"s3:PutObject"}
    assert allowed(dev, "render_report", images) == {
        *("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions")
    }
    casework = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    assert allowed(dev, "render_report", casework) == {
        *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
        *("dynamodb:PutItem", "dynamodb:ConditionCheckItem"),
    }
    users = dev.logical_id("AWS::DynamoDB::Table", "Storageusers")
    assert allowed(dev, "render_report", users) == {"dynamodb:GetItem"}
    for table in ("Storageregistry", "Storageaudit", "Storageephemeral"):
        assert not allowed(dev, "render_report", dev.logical_id("AWS::DynamoDB::Table", table))


def test_the_api_signs_links_to_reports_and_forms_for_former_ones_and_removes_none(dev: Template) -> None:
    documents = dev.logical_id("AWS::S3::Bucket", "Storagedocuments")
    reports = allowed(dev, "clinic_api", f'"{documents}", "Arn"]}}, "/reports/')
    assert reports == {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}


def test_evidence_is_asked_of_one_function_by_those_who_show_it(dev: Template) -> None:
    function = dev.logical_id("AWS::Lambda::Function", "explainimage")
    assert readers(dev, function, {"lambda:InvokeFunction"}) == {"clinic_api", "render_report"}


def test_drawing_evidence_leaves_time_to_set_and_store(dev: Template) -> None:
    function = dev.function("render_report")
    assert float(function["Environment"]["Variables"]["EVIDENCE_WITHIN_S"]) <= function["Timeout"] / 2
    assert function["MemorySize"] >= 2 * 512


@pytest.mark.parametrize("package", ["mark_dead_letters"])
def test_a_report_that_died_without_a_word_is_told_so(dev: Template, package: str) -> None:
    dlq = dev.logical_id("AWS::SQS::Queue", "reportsdlq")
    assert dev.function(package)["Environment"]["Variables"]["REPORTS_DLQ_URL"] == {"Ref": dlq}
    assert allowed(dev, package, dlq) == {"sqs:ReceiveMessage"}


def test_a_clinic_puts_its_name_on_its_reports(tmp_path_factory: pytest.TempPathFactory) -> None:
    context = {
        "stage": "dev",
        "clinic_name": "Example Clinic",
        "clinic_address": "1 Example Street",
        "clinic_logo": "logo.png",
        "portal_url": "https://portal.example.org",
    }
    template = synthesize(tmp_path_factory.mktemp("branded"), context)
    given = template.function("render_report")["Environment"]["Variables"]
    assert {name: given[name] for name in ("CLINIC_NAME", "CLINIC_ADDRESS", "CLINIC_LOGO", "PORTAL_URL")} == {
        "CLINIC_NAME": "Example Clinic",
        "CLINIC_ADDRESS": "1 Example Street",
        "CLINIC_LOGO": "branding/logo.png",
        "PORTAL_URL": "https://portal.example.org",
    }
    assert "branding/" in json.dumps(list(map(str, template.statements("render_report"))))
