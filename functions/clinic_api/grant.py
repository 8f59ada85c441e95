"""Gives a person a role: how a deployment's first admin is made.

    python -m clinic_api.grant USERNAME ROLE

With the environment's AWS credentials, against the deployed stack, by an engineer; people give each
other roles through the API.
"""

import argparse
from datetime import UTC, datetime

import boto3

from triagelens.adapters.cognito import CognitoIdentity, cognito_client
from triagelens.adapters.dynamodb.audit import DynamoAuditTrail
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.domain.people import Role
from triagelens.services.roles import Roles

STACK = "Triagelens"


def roles(outputs: dict[str, str], region: str) -> Roles:
    """The use case against a deployed stack, given its outputs."""
    client = cognito_client(region)
    return Roles(
        people=DynamoPeople(outputs["UsersTable"], region),
        identity=CognitoIdentity(client, outputs["UserPoolId"], outputs["UserPoolClientId"]),
        audit=DynamoAuditTrail(outputs["AuditTable"], region),
        clock=lambda: datetime.now(UTC),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m clinic_api.grant", description="Give a person a role.")
    parser.add_argument("username")
    parser.add_argument("role", type=Role, choices=list(Role))
    asked = parser.parse_args()
    cloudformation = boto3.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    person = roles(outputs, cloudformation.meta.region_name).grant(asked.username, asked.role)
    print(f"{person.sub} is now {person.role}")


if __name__ == "__main__":
    main()
