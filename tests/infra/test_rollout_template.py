"""What watches a trial, and the limits that a registration keeps."""

from collections.abc import Callable

import pytest

from infra.template import Template

STAGES = ["dev", "prod", "laptop"]


@pytest.mark.parametrize("stage", STAGES)
def test_trials_are_looked_at_every_minute(template_of: Callable[[str], Template], stage: str) -> None:
    template = template_of(stage)
    rule = template.only("AWS::Events::Rule", "everyminute")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    function = template.logical_id("AWS::Lambda::Function", "watchcanary")
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": [function, "Arn"]}]


def test_a_candidate_that_was_taken_out_raises_an_alarm(dev: Template) -> None:
    alarm = dev.only("AWS::CloudWatch::Alarm", "canaryreverted")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("CanaryReverted", 1)
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "watch_canary"}]


@pytest.mark.parametrize("stage", STAGES)
def test_trying_and_measuring_a_model_end_well_before_the_function_does(
    template_of: Callable[[str], Template], stage: str
) -> None:
    function = template_of(stage).function("register_model")
    limits = function["Environment"]["Variables"]
    spent = float(limits["TRIAL_TIMEOUT_S"]) + float(limits["GATE_BUDGET_S"])
    assert spent <= 0.8 * function["Timeout"]
    assert int(limits["TRIAL_MEMORY_MB"]) < function["MemorySize"]


def test_the_signing_key_stays_in_production_and_never_leaves_kms(prod: Template) -> None:
    key = prod.logical_id("AWS::KMS::Key", "signingkey")
    assert prod.body["Resources"][key]["DeletionPolicy"] == "Retain"
    assert prod.body["Outputs"]["SigningKeyId"]["Value"] == {"Ref": key}
