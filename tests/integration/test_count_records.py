"""The counters say what a recount would, whatever is delivered how often and in which order."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodbstreams.models import dynamodbstreams_backends
from pynamodb.exceptions import PutError

import count_records.handler
import count_records.settings
from tests.cloud import REGION, Cloud, FakeContext, failed_ids
from tests.fake_tally import FakeTally
from tests.integration.random_clinic import Clinic
from triagelens.adapters.dynamodb.case_items import case_from_item
from triagelens.adapters.dynamodb.casework import META, image_from_item
from triagelens.adapters.dynamodb.patients import patient_from_item
from triagelens.adapters.dynamodb.reports import report_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tally import DynamoTally
from triagelens.domain.statistics import (
    Statistics,
    facets_of_case,
    facets_of_image,
    facets_of_patient,
    facets_of_report,
    statistics,
)
from triagelens.services.counting import Counting, Figures, Tally

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 10)
OPERATIONS = 2_000


@pytest.fixture(autouse=True)
def _wired(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    url = cloud.sqs.create_queue(QueueName="counts-dlq")["QueueUrl"]
    cloud.queue_urls["counts-dlq"] = url
    monkeypatch.setenv("DEAD_LETTERS_URL", url)
    for cache in (
        count_records.settings.settings,
        count_records.handler.counting,
        count_records.handler.dead_letters,
    ):
        cache.cache_clear()


def changes_of(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Every record of the table's stream."""
    streams = dynamodbstreams_backends[DEFAULT_ACCOUNT_ID][REGION]
    arn = cloud.dynamodb.describe_table(TableName="casework")["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(arn)["Shards"]
    where: str | None = streams.get_shard_iterator(arn, shard["ShardId"], "TRIM_HORIZON").arn
    while where is not None:
        page = streams.get_records(where, 1000)
        if not page["Records"]:
            return
        yield from page["Records"]
        where = page.get("NextShardIterator")


def deliver(*records: dict[str, Any]) -> list[str]:
    return failed_ids(count_records.handler.handler({"Records": list(records)}, FakeContext()))


def recount() -> Statistics:
    """What the records themselves say."""
    facets: Counter[str] = Counter()
    for item in CaseworkItem.scan():
        if item.sk == META and item.kind == "image":
            facets.update(facets_of_image(image_from_item(item)))
        elif item.sk == META and item.kind == "case":
            facets.update(facets_of_case(case_from_item(item)))
        elif item.sk == META and item.kind == "patient":
            facets.update(facets_of_patient(patient_from_item(item)))
        elif item.sk == META and item.kind == "report":
            facets.update(facets_of_report(report_from_item(item)))
    totals = {name: count for name, count in facets.items() if name.startswith("all#")}
    days = {name: count for name, count in facets.items() if name.startswith("day#")}
    return statistics(totals, days)


def counters(tally: Tally | None = None) -> Statistics:
    return Figures(tally or DynamoTally("casework", REGION)).between(FIRST, LAST)


def test_after_2000_random_operations_twice_and_shuffled_the_counters_equal_a_recount(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters in memory: moto copies every table for each transaction."""
    tally = FakeTally()
    monkeypatch.setattr(count_records.handler, "counting", lambda: Counting(tally))
    clinic = worked(OPERATIONS)
    redelivered(cloud, clinic.chance)
    told = counters(tally)
    assert told == recount()
    assert told.submissions == len(clinic.images)
    assert told.patients == len(clinic.patients) > 0
    assert told.reports == Counter(str(report.status) for report in clinic.reports)
    assert told.reports["ready"]
    assert told.classes
    assert told.rejection_reasons
    assert 0 < (told.rejection_rate or 0) < 1
    assert len(told.days) == 10


def test_the_tables_counters_equal_a_recount_too(cloud: Cloud) -> None:
    clinic = worked(60)
    redelivered(cloud, clinic.chance)
    assert counters() == recount()
    assert counters().submissions == len(clinic.images) > 0


def test_patients_and_reports_are_counted_until_they_are_gone(cloud: Cloud) -> None:
    clinic = Clinic(random.Random(5))
    for _ in range(3):
        clinic.new_patient()
        clinic.new_report()
    for _ in range(9):
        clinic.end_report()
        clinic.amend_patient()
    clinic.erase_patient()
    clinic.delete_report()
    redelivered(cloud, clinic.chance)
    told = counters()
    assert told == recount()
    assert (told.patients, sum(told.reports.values())) == (2, 2)
    assert sum(day.patients for day in told.days) == 2


def worked(operations: int) -> Clinic:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    clinic = Clinic(random.Random(seed))
    for _ in range(operations):
        clinic.work()
    return clinic


def redelivered(cloud: Cloud, chance: random.Random) -> None:
    """Every change of the stream, half of them twice, in any order."""
    records = list(changes_of(cloud))
    delivered = records + chance.sample(records, len(records) // 2)
    chance.shuffle(delivered)
    for start in range(0, len(delivered), 100):
        assert deliver(*delivered[start : start + 100]) == []


def test_a_counter_that_fell_to_zero_is_not_told(cloud: Cloud) -> None:
    clinic = Clinic(random.Random(1))
    for begin in (clinic.new_image, clinic.new_case, clinic.new_patient, clinic.new_report):
        begin()
    clinic.end_everything()
    records = list(changes_of(cloud))
    assert deliver(*reversed(records)) == []
    assert counters() == Statistics()


def test_the_stream_goes_on_from_the_first_change_that_could_not_be_counted(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = Clinic(random.Random(2))
    for _ in range(20):
        clinic.work()
    records = list(changes_of(cloud))
    count, done = DynamoTally.count, 0

    def failing(self: DynamoTally, *arguments: Any) -> None:
        nonlocal done
        done += 1
        if done == 5:
            raise PutError("throttled")
        count(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(DynamoTally, "count", failing)
        [position] = deliver(*records)
    positions = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert deliver(*records[positions.index(position) :]) == []
    assert counters() == recount()


def test_what_cannot_be_read_is_kept_and_holds_nothing_up(cloud: Cloud) -> None:
    clinic = Clinic(random.Random(3))
    clinic.new_image()
    [record] = changes_of(cloud)
    broken = {
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"pk": {"S": "IMG#x"}, "sk": {"S": "META"}},
            "NewImage": {
                "pk": {"S": "IMG#x"},
                "sk": {"S": "META"},
                "kind": {"S": "image"},
                "body": {"S": "{}"},
                "version": {"N": "1"},
            },
        }
    }
    assert deliver(broken, record) == []
    [letter] = cloud.waiting("counts-dlq")
    assert '"IMG#x"' in letter
    assert counters() == recount()


def test_the_notes_of_what_was_counted_are_not_counted(cloud: Cloud) -> None:
    clinic = Clinic(random.Random(4))
    clinic.new_image()
    assert deliver(*changes_of(cloud)) == []
    again = list(changes_of(cloud))
    assert len(again) > 1
    assert deliver(*again) == []
    assert list(changes_of(cloud)) == again
