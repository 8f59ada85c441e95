"""The review queue on a table that holds very many waiting cases: reading the first is reading a few."""

import random
from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tests.cloud import REGION, Cloud
from tests.fakes import START
from triagelens.adapters.dynamodb.case_items import case_item, case_pk
from triagelens.adapters.dynamodb.panel_items import REVIEW
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.review import DynamoReview, review_attributes
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person, Role
from triagelens.domain.review import POOL_FACTOR, ReviewItem, Strategy
from triagelens.services.review import READ_FACTOR, ReviewQueue

STORED = 100_000
FIRST = 100  # as many as any strategy reads, from either end
DOCTOR = Person(sub="doctor", username="doctor", role=Role.DOCTOR, created_at=START)
SEED = 20_261_123


def waiting(number: int, chance: random.Random) -> ReviewItem:
    """A case that waits, with figures by chance."""
    confidence = chance.uniform(0.2, 1)
    return ReviewItem(
        case_id=new_id(),
        number=number,
        specialty="skin",
        image_id=new_id(),
        margin=chance.uniform(0, confidence),
        entropy=chance.uniform(0, 1.9),
        confidence=confidence,
        embedding=tuple(round(chance.random(), 4) for _ in range(7)),
    )


def case(item: ReviewItem) -> Case:
    return Case(
        case_id=item.case_id,
        number=item.number,
        specialty=item.specialty,
        status=CaseStatus.OPEN,
        owner="gp",
        image_ids=(item.image_id,),
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )


def store(items: list[ReviewItem]) -> None:
    """Writes waiting cases as they lie in the table, and the cases that come first in any order.

    Past moto's door, which would take minutes for so many.
    """
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables["casework"]
    table.stream_shard = None  # nobody listens
    for item in items:
        pk, sk = DynamoType({"S": case_pk(item.case_id)}), DynamoType({"S": REVIEW})
        stored = Item(pk, sk, {})
        attributes = {**review_attributes(item), "body": item.model_dump_json()}
        stored.attrs.update(
            {"pk": pk, "sk": sk} | {name: DynamoType({"S": value}) for name, value in attributes.items()}
        )
        table.items[pk][sk] = stored
    for strategy in Strategy:
        ranked = sorted(items, key=lambda item: item.score(strategy))
        for item in (*ranked[:FIRST], *ranked[-FIRST:]):
            table.put_item({**case_item(case(item)).to_dynamodb_dict(), "version": {"N": "1"}})


class Reads:
    """What DynamoDB was asked and had to look at."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.scanned = self.fetched = 0

    def __enter__(self) -> "Reads":
        call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's one door to AWS

        def noted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            answer = call(client, operation, parameters)
            self.operations[operation] += 1
            self.scanned += answer.get("ScannedCount", 0)
            if operation == "BatchGetItem":
                asked = parameters["RequestItems"].values()
                self.fetched += sum(len(request["Keys"]) for request in asked)
            return answer

        self._patch = patch.object(BaseClient, "_make_api_call", noted)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


@pytest.mark.parametrize(
    ("stored", "strategies"),
    [
        (STORED, (Strategy.MARGIN,)),
        # moto sorts a whole index for each query; these are the same query, longer or on another index.
        (STORED // 50, (Strategy.DIVERSE, Strategy.ENTROPY, Strategy.LEAST_CONFIDENCE)),
    ],
)
def test_among_a_hundred_thousand_the_first_are_found_by_reading_a_few_times_as_many(
    cloud: Cloud, stored: int, strategies: tuple[Strategy, ...]
) -> None:
    chance, k = random.Random(SEED), 5
    items = [waiting(number, chance) for number in range(stored)]
    store(items)
    queue = ReviewQueue(DynamoReview("casework", REGION), DynamoPanels("casework", REGION))
    for strategy in strategies:
        with Reads() as reads:
            found = queue.top(DOCTOR, "skin", strategy, k, None).items
        assert len(found) == k
        most = (POOL_FACTOR if strategy is Strategy.DIVERSE else READ_FACTOR) * k
        assert 0 < reads.scanned <= most
        assert reads.fetched <= 2 * most  # each case and its panel, as they are now
        assert set(reads.operations) == {"Query", "BatchGetItem"}
        first = sorted(items, key=lambda item: item.score(strategy), reverse=strategy is Strategy.ENTROPY)
        if strategy is Strategy.DIVERSE:
            pool = {item.case_id for item in first[: POOL_FACTOR * k]}
            assert {candidate.item.case_id for candidate in found} <= pool
        else:
            scores = [round(item.score(strategy), 6) for item in first[:k]]
            assert [round(candidate.item.score(strategy), 6) for candidate in found] == scores
