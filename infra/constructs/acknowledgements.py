"""Findings of the AwsSolutions rules that stand, each with its reason, beside what they are about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

ANY_RESOURCE = "IAM5[Resource::*]"


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Let a finding of one rule (`IAM5[...]`, `COG2`) stand on a construct and all below it."""
    rule_id = f"AwsSolutions::AwsSolutions-{rule}"
    Validations.of(construct).acknowledge(Acknowledgment(id=rule_id, reason=reason))
