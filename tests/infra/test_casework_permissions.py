"""What casework's transactions are made of, and that its role may do each part."""

import json

from infra.template import Template

# A transaction needs the right to each of its parts.
PARTS = {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}


def test_the_api_may_do_every_part_of_a_case_and_query_every_list(dev: Template) -> None:
    table = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    on_table: set[str] = set()
    on_indexes: set[str] = set()
    for actions, resources in dev.statements("clinic_api"):
        told = [json.dumps(resource) for resource in resources]
        if any(table in resource and "/index/" not in resource for resource in told):
            on_table |= actions
        if {f"gsi{n}" for n in (1, 2, 3)} <= {r.split("/index/")[-1][:4] for r in told if table in r}:
            on_indexes |= actions
    assert {*PARTS, "dynamodb:GetItem", "dynamodb:Query"} <= on_table
    assert "dynamodb:Query" in on_indexes
