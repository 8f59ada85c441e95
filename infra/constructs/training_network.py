"""Where training runs: public subnets without NAT, and a security group that lets nothing in."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge

ZONES = 2  # as many as every region is certain to have, without a look-up


class TrainingNetwork(Construct):
    """Machines have public addresses, since a NAT gateway costs more than it protects here: see ADR 0091.

    S3 and DynamoDB are reached through gateway endpoints, which are free.
    """

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.vpc = ec2.Vpc(
            self,
            "vpc",
            max_azs=ZONES,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=20)
            ],
            restrict_default_security_group=False,  # it would take a custom resource; nothing uses the group
            gateway_endpoints={
                "s3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "dynamodb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        acknowledge(
            self.vpc,
            "VPC7",
            "Nothing listens in here: machines live for one job and speak HTTPS outwards, no more.",
        )
        self.subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        self.security_group = ec2.SecurityGroup(
            self,
            "security-group",
            vpc=self.vpc,
            description="Training: nothing comes in, HTTPS goes out",
            allow_all_outbound=False,
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS")
