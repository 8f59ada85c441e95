"""What counts may write counters and nothing else."""

from infra.template import Template


def test_who_counts_touches_only_counters_and_notes(dev: Template) -> None:
    role = dev.function("count_records")["Role"]["Fn::GetAtt"][0]
    [policy] = [p for p in dev.of_type("AWS::IAM::Policy").values() if {"Ref": role} in p["Roles"]]
    table = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    allowed: dict[str, list[str]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        if statement["Resource"] == {"Fn::GetAtt": [table, "Arn"]}:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            [keys] = statement["Condition"]["ForAllValues:StringLike"].values()
            allowed |= dict.fromkeys(actions, keys if isinstance(keys, list) else [keys])
    assert allowed == {
        "dynamodb:GetItem": ["COUNTED#*"],
        "dynamodb:PutItem": ["COUNTED#*"],
        "dynamodb:UpdateItem": ["STATS#*"],
    }


def test_a_stream_has_no_more_readers_than_it_has_room_for(dev: Template) -> None:
    table = dev.logical_id("AWS::DynamoDB::Table", "Storagecasework")
    stream = {"Fn::GetAtt": [table, "StreamArn"]}
    mappings = dev.of_type("AWS::Lambda::EventSourceMapping").values()
    assert len([mapping for mapping in mappings if mapping["EventSourceArn"] == stream]) == 2
