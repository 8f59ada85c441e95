"""Who tells people by e-mail reads little, writes nothing but claims, and mails from one address."""

import json
from pathlib import Path

import pytest

from infra.config import LAPTOP_SENDER
from infra.template import Template, synthesize
from triagelens.services.mailing import KINDS

SENDER = "no-reply@clinic.example.org"
SETTINGS = {
    "stage": "dev",
    "mail_from": SENDER,
    "case_mail_to": "readers@example.org, night@example.org",
    "portal_url": "https://portal.example.org",
}


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The template with a sender, its rules checked."""
    return synthesize(tmp_path_factory.mktemp("cdk"), SETTINGS, check_rules=True)


def on_mails(template: Template) -> list[tuple[set[str], str]]:
    """What notify may do with SES, and on what."""
    return [
        (actions, json.dumps(resources))
        for actions, resources in template.statements("notify")
        if any(action.startswith("ses:") for action in actions)
    ]


def test_the_bus_tells_the_queue_of_what_people_are_told(dev: Template) -> None:
    queue = dev.logical_id("AWS::SQS::Queue", "notificationsqueue")
    [rule] = [
        rule
        for rule in dev.of_type("AWS::Events::Rule").values()
        if rule["Targets"][0]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    ]
    assert rule["EventPattern"]["source"] == ["triagelens"]
    assert set(rule["EventPattern"]["detail-type"]) == set(KINDS)
    assert rule["EventBusName"] == {"Ref": dev.logical_id("AWS::Events::EventBus", "bus")}


def test_without_a_sender_nothing_may_be_sent(dev: Template) -> None:
    assert on_mails(dev) == []
    assert "MAIL_FROM" not in dev.function("notify")["Environment"]["Variables"]


def test_mails_come_from_the_one_address_that_the_context_names(mailing: Template) -> None:
    [(actions, resources)] = on_mails(mailing)
    assert actions == {"ses:SendEmail"}
    assert f":identity/{SENDER}" in resources
    assert ":identity/clinic.example.org" in resources
    assert resources.count(":identity/") == 2
    assert f'{{"StringEquals": {{"ses:FromAddress": "{SENDER}"}}}}' in json.dumps(mailing.body)
    assert mailing.of_type("AWS::SES::EmailIdentity") == {}  # people verify theirs themselves
    variables = mailing.function("notify")["Environment"]["Variables"]
    assert variables["MAIL_FROM"] == SENDER
    assert variables["CASE_MAIL_TO"] == "readers@example.org,night@example.org"
    assert variables["PORTAL_URL"] == "https://portal.example.org"


def test_a_laptop_has_a_sender(laptop: Template) -> None:
    assert laptop.function("notify")["Environment"]["Variables"]["MAIL_FROM"] == LAPTOP_SENDER
    [identity] = laptop.of_type("AWS::SES::EmailIdentity").values()
    assert identity["EmailIdentity"] == LAPTOP_SENDER
    [(actions, resources)] = on_mails(laptop)
    assert (actions, resources) == ({"ses:SendEmail"}, '["*"]')


def test_it_writes_claims_of_deliveries_and_nothing_else(dev: Template) -> None:
    role = dev.function("notify")["Role"]["Fn::GetAtt"][0]
    [policy] = [p for p in dev.of_type("AWS::IAM::Policy").values() if {"Ref": role} in p["Roles"]]
    writes, reads = {}, {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        for action in actions:
            if action in {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}:
                writes[action] = keys
            elif action == "dynamodb:GetItem" and keys:
                reads[json.dumps(statement["Resource"])] = keys
    assert writes == {"dynamodb:PutItem": "DELIVERY#*"} or writes == {"dynamodb:PutItem": ["DELIVERY#*"]}
    casework = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    assert reads[json.dumps({"Fn::GetAtt": [casework, "Arn"]})] == ["IMG#*", "CASE#*", "PAT#*"]


def test_its_dead_letters_and_its_lateness_are_told(dev: Template) -> None:
    alarms = {alarm["AlarmDescription"] for alarm in dev.of_type("AWS::CloudWatch::Alarm").values()}
    assert "The notifications queue has dead letters: see docs/operations.md." in alarms
    assert "A message has waited over 300 s in the notifications queue." in alarms
    assert "notify raised an error." in alarms
    outputs = dev.body["Outputs"]
    assert {"NotificationsQueueUrl", "NotificationsDlqUrl"} <= set(outputs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail_from": "Clinic <a@example.org>"},
        {"mail_from": "*@example.org"},
        {"case_mail_to": "a@example.org, nobody"},
        {"portal_url": "javascript:alert(1)"},
        {"portal_url": 'https://example.org/"onclick'},
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_deployed(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="address"):
        synthesize(tmp_path, {"stage": "dev", **wrong})
