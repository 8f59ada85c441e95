"""Former passwords: sealed at one place, opened at another, and checked by a function of its own."""

import json

from infra.template import Template


def test_the_pool_asks_the_function_about_names_that_it_does_not_know(
    dev: Template, laptop: Template
) -> None:
    for template in (dev, laptop):
        [pool] = template.of_type("AWS::Cognito::UserPool").values()
        function = template.logical_id("AWS::Lambda::Function", "migrateuser")
        assert pool["LambdaConfig"] == {"UserMigration": {"Fn::GetAtt": [function, "Arn"]}}
        assert template.function("migrate_user")["Timeout"] <= 5, "Cognito waits no longer"


def test_the_api_seals_hashes_and_only_the_trigger_opens_them(dev: Template) -> None:
    key = dev.logical_id("AWS::KMS::Key", "migrationkey")
    packages = [f["Handler"].split(".")[0] for f in dev.of_type("AWS::Lambda::Function").values()]
    may: dict[str, set[str]] = {}
    for package in packages:
        for actions, resources in dev.statements(package):
            if key in json.dumps(resources):
                may.setdefault(package, set()).update(actions)
    assert may == {"clinic_api": {"kms:Encrypt"}, "migrate_user": {"kms:Decrypt"}}


def test_the_trigger_reads_who_is_expected_and_nothing_else(dev: Template) -> None:
    actions = {action for found, _ in dev.statements("migrate_user") for action in found}
    assert {action for action in actions if action.startswith("dynamodb:")} == {"dynamodb:GetItem"}
    keys = [
        statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for policy in dev.of_type("AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "dynamodb:GetItem" and "Condition" in statement
    ]
    assert ["MIGRATION#*"] in keys or "MIGRATION#*" in keys
