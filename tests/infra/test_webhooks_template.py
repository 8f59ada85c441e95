"""Webhooks: who seals secrets, who opens them, and what telling them may touch."""

import json

import pytest

from infra.config import CLOUD_SIZES
from infra.constructs.webhooks import MAX_RECEIVES, TOLD_EVENTS
from infra.template import Template
from triagelens.adapters.webhook_sender import TOTAL_S


def keys_of(template: Template, package: str, table: str) -> dict[str, list[str]]:
    """Partition keys by the action that a function may do to them; `*` where it may to all."""
    role = template.function(package)["Role"]["Fn::GetAtt"][0]
    policies = [p for p in template.of_type("AWS::IAM::Policy").values() if {"Ref": role} in p["Roles"]]
    arn = template.logical_id("AWS::DynamoDB::Table", f"Storage{table}")
    found: dict[str, list[str]] = {}
    for statement in (s for policy in policies for s in policy["PolicyDocument"]["Statement"]):
        if arn not in json.dumps(statement["Resource"]):
            continue
        keys = (
            statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", "*")
        )
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            found.setdefault(action, []).extend(keys if isinstance(keys, list) else [keys])
    return found


def test_of_people_it_reads_nothing(dev: Template) -> None:
    assert keys_of(dev, "deliver_webhooks", "users") == {
        "dynamodb:Query": ["WEBHOOKS"],
        "dynamodb:GetItem": ["WEBHOOKS"],
        "dynamodb:PutItem": ["WEBHOOKS"],
    }
    assert keys_of(dev, "deliver_webhooks", "ephemeral") == {
        "dynamodb:GetItem": ["DELIVERY#*"],
        "dynamodb:PutItem": ["DELIVERY#*", "TOLD#*"],
    }
    for table in ("casework", "registry", "audit"):
        assert keys_of(dev, "deliver_webhooks", table) == {}


def test_the_api_seals_secrets_and_only_who_tells_opens_them(dev: Template) -> None:
    key = dev.logical_id("AWS::KMS::Key", "webhookskey")
    may: dict[str, set[str]] = {}
    for package in CLOUD_SIZES:
        for actions, resources in dev.statements(package):
            if key in json.dumps(resources):
                may.setdefault(package, set()).update(actions)
    assert may == {"clinic_api": {"kms:Encrypt"}, "deliver_webhooks": {"kms:Decrypt"}}
    assert dev.only("AWS::KMS::Key", "webhookskey")["EnableKeyRotation"]


def test_the_bus_brings_its_events_and_a_message_lives_through_all_attempts(dev: Template) -> None:
    queue = dev.logical_id("AWS::SQS::Queue", "webhooksqueue")
    [rule] = [
        rule
        for rule in dev.of_type("AWS::Events::Rule").values()
        if rule["Targets"][0]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]
    assert rule["EventPattern"] == {"source": ["triagelens"], "detail-type": TOLD_EVENTS}
    redrive = dev.only("AWS::SQS::Queue", "webhooksqueue")["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == MAX_RECEIVES
    [mapping] = [
        mapping
        for mapping in dev.of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]
    assert mapping["BatchSize"] == 1, "a slow receiver holds up its own message alone"
    assert dev.function("deliver_webhooks")["Timeout"] >= 2 * TOTAL_S


@pytest.mark.parametrize("stage", ["dev", "prod", "laptop"])
def test_no_stage_has_a_switch_that_lets_private_addresses_in(
    request: pytest.FixtureRequest, stage: str
) -> None:
    template: Template = request.getfixturevalue(stage)
    ours = {
        name
        for name in template.function("deliver_webhooks")["Environment"]["Variables"]
        if not name.startswith("POWERTOOLS_")
    }
    assert ours == {
        *("STAGE", "OMP_NUM_THREADS", "USERS_TABLE", "EPHEMERAL_TABLE"),
        *("WEBHOOKS_QUEUE_URL", "WEBHOOK_KEY_ID", "MAX_RECEIVE_COUNT"),
    }


def test_somebody_hears_of_a_webhook_that_was_disabled(dev: Template) -> None:
    alarm = dev.only("AWS::CloudWatch::Alarm", "webhookdisabled")
    assert alarm["MetricName"] == "WebhookDisabled"
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "deliver_webhooks"}]
    assert dev.only("AWS::CloudWatch::Alarm", "webhooksdeadletters")["AlarmActions"]


def test_the_outputs_name_its_queues_for_the_redrive(dev: Template) -> None:
    assert {"WebhooksQueueUrl", "WebhooksDlqUrl"} <= set(dev.body["Outputs"])
