"""Queues of work: how much a function takes of them, and how S3 tells them of new objects."""

from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

# Messages that one invocation takes; a photo's check is the longest.
BATCH_SIZE = {
    "check_quality": 5,
    "run_inference": 10,
    "register_model": 1,
    "rank_cases": 10,
    "replay_model": 1,
    "render_report": 1,
    "notify": 5,
    "deliver_webhooks": 1,  # a slow receiver holds up nobody else's message
    "erase_patient": 1,
    "export_records": 1,
}


@dataclass(frozen=True)
class WorkQueue:
    """A queue, and where a message goes that failed too often."""

    queue: sqs.Queue
    dlq: sqs.Queue


def notify(bucket: s3.Bucket, queue: sqs.Queue, *, prefix: str, suffix: str | None = None) -> None:
    """Let S3 tell the queue of each new object.

    Written on the bucket itself rather than through CDK's custom resource: one function less, and the
    condition on the account instead of on the bucket keeps the queue's policy free of a cycle.
    """
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sqs:SendMessage"],
            principals=[iam.ServicePrincipal("s3.amazonaws.com")],
            resources=[queue.queue_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
    rules = [s3.CfnBucket.FilterRuleProperty(name="prefix", value=prefix)]
    if suffix:
        rules.append(s3.CfnBucket.FilterRuleProperty(name="suffix", value=suffix))
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        raise TypeError(f"{bucket} is not a bucket of this stack")
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        queue_configurations=[
            s3.CfnBucket.QueueConfigurationProperty(
                event="s3:ObjectCreated:*",
                queue=queue.queue_arn,
                filter=s3.CfnBucket.NotificationFilterProperty(
                    s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=rules)
                ),
            )
        ]
    )
    resource.node.add_dependency(queue.node.find_child("Policy"))
