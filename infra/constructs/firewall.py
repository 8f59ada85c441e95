"""The web application firewall in front of the API."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

REQUESTS_PER_ADDRESS = 2000  # in five minutes
# Rules of the common set that a photo in a form sets off; they count instead of blocking.
RULES_THAT_ONLY_COUNT = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
)


def protect(scope: Construct, rest: apigateway.RestApi) -> None:
    """A limit for each address, and AWS's rules."""
    firewall = waf.CfnWebACL(
        scope,
        "firewall",
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_visibility("firewall"),
        rules=[
            _rate_rule(0),
            _managed_rules(1, "AWSManagedRulesCommonRuleSet", RULES_THAT_ONLY_COUNT),
            _managed_rules(2, "AWSManagedRulesKnownBadInputsRuleSet"),
            _managed_rules(3, "AWSManagedRulesAmazonIpReputationList"),
        ],
    )
    waf.CfnWebACLAssociation(
        scope,
        "firewall-of-api",
        resource_arn=rest.deployment_stage.stage_arn,
        web_acl_arn=firewall.attr_arn,
    )


def _visibility(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=f"triagelens-{name}", sampled_requests_enabled=False
    )


def _rate_rule(priority: int) -> waf.CfnWebACL.RuleProperty:
    limit = waf.CfnWebACL.RateBasedStatementProperty(aggregate_key_type="IP", limit=REQUESTS_PER_ADDRESS)
    return waf.CfnWebACL.RuleProperty(
        name="rate",
        priority=priority,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=limit),
        visibility_config=_visibility("rate"),
    )


def _managed_rules(priority: int, group: str, only_count: tuple[str, ...] = ()) -> waf.CfnWebACL.RuleProperty:
    count = waf.CfnWebACL.RuleActionProperty(count={})
    statement = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=group,
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in only_count
        ],
    )
    return waf.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=statement),
        visibility_config=_visibility(group),
    )
