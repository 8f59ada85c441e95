"""What holds for the application as a whole, and what the laptop goes without."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from infra.config import LEFT_OUT_OF_LAPTOP, Config
from infra.template import Template, synthesize

# What the laptop cloud's CloudFormation refuses: one such resource fails the whole stack.
REFUSED = (
    "AWS::Batch::",
    "AWS::SageMaker::",
    "AWS::WAFv2::",
    "AWS::XRay::",
    "AWS::CloudTrail::",
    "AWS::CodeDeploy::",
    "AWS::ApplicationAutoScaling::",
    "AWS::Cognito::UserPoolRiskConfigurationAttachment",
    "AWS::Cognito::UserPoolUser",
    "AWS::Events::Archive",
    "AWS::Events::Connection",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SQS::QueueInlinePolicy",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Lambda::CodeSigningConfig",
    "Custom::",
)
RULES_CHECKED_ON_AT_LEAST = 80


class Tree:
    """A construct tree that has nothing but a context."""

    def __init__(self, context: Mapping[str, object]) -> None:
        self._context = context

    def try_get_context(self, key: str) -> object:
        return self._context.get(key)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_no_finding_of_the_aws_solutions_rules_is_left_open(
    template_of: Callable[[str], Template], stage: str
) -> None:
    template = template_of(stage)
    report = json.loads((template.folder / "validation-report.json").read_text())
    [rules] = report["pluginReports"]
    assert rules["pluginName"] == "AwsSolutions"
    assert rules["violations"] == []
    assert len(template.body["Resources"]) >= RULES_CHECKED_ON_AT_LEAST
    accepted = rules["suppressedViolations"]
    assert accepted  # the rules did look: these are known to stand
    assert all(len(violation["reason"]) > 20 for violation in accepted)


def test_the_laptop_template_holds_nothing_that_the_laptop_cloud_refuses(laptop: Template) -> None:
    types = {resource["Type"] for resource in laptop.body["Resources"].values()}
    assert len(types) > 20
    assert not [name for name in types if name.startswith(REFUSED)]


def test_the_laptop_goes_without_what_is_listed_and_nothing_else(dev: Template, laptop: Template) -> None:
    def types(template: Template) -> set[str]:
        return {resource["Type"] for resource in template.body["Resources"].values()}

    assert types(dev) - types(laptop) == {
        "AWS::WAFv2::WebACL",
        "AWS::WAFv2::WebACLAssociation",
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
    }
    # A laptop has a sender of mails by itself, elsewhere `mail_from` names it.
    assert types(laptop) - types(dev) == {"AWS::SES::EmailIdentity"}
    assert set(LEFT_OUT_OF_LAPTOP) == {
        "waf",
        "threat_protection",
        "snap_start",
        "tracing",
        "reserved_concurrency",
    }


@pytest.mark.parametrize("stage", ["dev", "prod", "laptop"])
def test_nothing_is_looked_up_in_an_account(template_of: Callable[[str], Template], stage: str) -> None:
    manifest = json.loads((template_of(stage).folder / "manifest.json").read_text())
    assert not manifest.get("missing")
    assert manifest["artifacts"]["Triagelens"]["environment"] == "aws://unknown-account/unknown-region"


def test_there_is_one_stack(dev: Template) -> None:
    manifest = json.loads((dev.folder / "manifest.json").read_text())
    stacks = [a for a in manifest["artifacts"].values() if a["type"] == "aws:cloudformation:stack"]
    assert len(stacks) == 1


def test_x86_can_be_asked_for(tmp_path: Path) -> None:
    template = synthesize(tmp_path, {"stage": "dev", "architecture": "x86_64"})
    functions = template.of_type("AWS::Lambda::Function").values()
    assert {tuple(function["Architectures"]) for function in functions} == {("x86_64",)}


@pytest.mark.parametrize(
    "context",
    [
        {"stage": "staging"},
        {"architecture": "riscv"},
        {"stage": "laptop"},
        {"stage": "prod", "endpoint": "http://localhost:4566"},
        {"reserve_concurrency": "perhaps"},
    ],
)
def test_a_mistaken_context_is_refused(context: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"stage|architecture|reserve_concurrency"):
        Config.from_context(Tree(context))


@pytest.mark.parametrize(
    ("said", "reserved"), [(None, True), (True, True), ("true", True), (False, False), ("false", False)]
)
def test_concurrency_is_reserved_unless_the_context_says_no(said: object, reserved: bool) -> None:
    assert Config.from_context(Tree({"reserve_concurrency": said})).reserve_concurrency is reserved


def test_a_small_account_deploys_without_reserved_concurrency(tmp_path: Path) -> None:
    template = synthesize(tmp_path, {"stage": "dev", "reserve_concurrency": False})
    functions = template.of_type("AWS::Lambda::Function").values()
    assert functions
    assert not [function for function in functions if "ReservedConcurrentExecutions" in function]


@pytest.mark.parametrize(
    "said", [["https://a.example", "https://b.example"], "https://a.example, https://b.example"]
)
def test_origins_are_a_list_or_a_text_with_commas(said: object) -> None:
    assert Config.from_context(Tree({"cors_origins": said})).cors_origins == (
        "https://a.example",
        "https://b.example",
    )
