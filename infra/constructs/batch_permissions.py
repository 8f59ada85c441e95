"""What a function may ask of AWS Batch. Queues and definitions are known by their fixed names."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.config import Config
from infra.constructs.acknowledgements import acknowledge


def allow_batch(function: lambda_.Function, config: Config) -> None:
    """Submit to our queues, end jobs, and ask how they are, as `adapters.batch` does."""
    here = f"arn:{Aws.PARTITION}:batch:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    names = [config.batch_name("training"), config.batch_name("ingest")]
    submitted_to = [f"{here}:job-queue/{name}" for name in names]
    # By name a definition is its newest revision: its ARN is asked for with and without a number.
    submitted_to += [f"{here}:job-definition/{name}{number}" for name in names for number in ("", ":*")]
    function.add_to_role_policy(iam.PolicyStatement(actions=["batch:SubmitJob"], resources=submitted_to))
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["batch:TerminateJob"], resources=[f"{here}:job/*"])
    )
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["batch:DescribeJobs", "batch:ListJobs"], resources=["*"])
    )
    if function.role is None:
        raise TypeError(f"{function.node.path} has no role")
    said = "arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>"
    acknowledge(
        function.role,
        f"IAM5[Resource::{said}:job/*]",
        "Jobs have ids that nobody knows before they are made.",
    )
    acknowledge(function.role, "IAM5[Resource::*]", "DescribeJobs and ListJobs know no resource.")
    for name in names:
        acknowledge(
            function.role,
            f"IAM5[Resource::{said}:job-definition/{name}:*]",
            "Every deployment makes another revision of the one definition.",
        )
