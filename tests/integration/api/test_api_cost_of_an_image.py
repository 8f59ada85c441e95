"""What one image asks of AWS, counted: docs/making/costs.py calculates with it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client
import pytest

import check_quality.handler
import count_records.handler
import publish_events.handler
import run_inference.handler
from docs.making import costs
from tests.cloud import FakeContext, sqs_event
from tests.integration.api.conftest import Api
from tests.photos import photo

Calls = Counter[str]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Every call to AWS by its name; items of transactions by their number."""
    calls: Calls = Counter()
    real = vars(botocore.client.BaseClient)["_make_api_call"]

    def call(self: Any, name: str, arguments: dict[str, Any]) -> Any:
        calls[name] += 1
        calls[f"{name} items"] += len(arguments.get("TransactItems", []))
        if name == "PutItem":
            calls[f"PutItem {arguments['TableName']}"] += 1
        return real(self, name, arguments)

    with monkeypatch.context() as patch:
        patch.setattr("botocore.client.BaseClient._make_api_call", call)
        yield calls


def test_one_image_asks_as_much_as_its_costs_are_calculated_with(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, data, cloud = api.sign_up("ada"), photo(), api.cloud
    announced = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": len(data)}

    def announce() -> str:
        answer = api.client.post("/v1/images", json=announced, headers=ada)
        return str(answer.json()["image_id"])

    def analyse(image_id: str, uploaded: Any) -> None:
        check_quality.handler.handler(sqs_event(uploaded), FakeContext())
        waiting = cloud.waiting("inference")
        run_inference.handler.handler(sqs_event(*waiting), FakeContext())
        found = api.client.get(f"/v1/images/{image_id}", headers={**ada, "Prefer": "wait=20"})
        assert found.json()["status"] == "analyzed"

    first = announce()
    analyse(first, cloud.upload(f"uploads/{first}", data))  # functions are warm from here on
    with counted(monkeypatch) as asked:
        image_id = announce()
    uploaded = cloud.upload(f"uploads/{image_id}", data)
    with counted(monkeypatch) as done:
        analyse(image_id, uploaded)
    cloud_event = cloud.stream_event()
    of_this_image = [
        record
        for record in cloud_event["Records"]
        if record["dynamodb"]["Keys"]["pk"]["S"] == f"IMG#{image_id}"
    ]
    with counted(monkeypatch) as followed:
        publish_events.handler.handler({"Records": of_this_image}, FakeContext())
        count_records.handler.handler({"Records": of_this_image}, FakeContext())

    way = asked + done
    assert way["PutItem casework"] == costs.RECORD_WRITES
    assert way["TransactWriteItems items"] == costs.RECORD_TRANSACTION
    assert way["PutItem audit"] == costs.AUDIT_ENTRIES
    assert followed["TransactWriteItems items"] == costs.COUNTER_ITEMS
    assert way["GetItem"] + followed["GetItem"] == costs.READS
    assert (way["GetObject"], way["PutObject"]) == (costs.S3_READS, costs.S3_WRITES)
    assert way["SendMessage"] == costs.MESSAGES
    assert followed["PutEvents"] >= 1
