"""The counters say what a recount would, whatever is delivered how often and in which order."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodbstreams.models import dynamodbstreams_backends
from pynamodb.exceptions import PutError

import count_records.handler
import count_records.settings
from tests.cloud import REGION, Cloud, FakeContext, failed_ids
from tests.fake_tally import FakeTally
from triagelens.adapters.dynamodb.case_items import case_from_item, case_item
from triagelens.adapters.dynamodb.casework import META, DynamoCasework, image_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.tally import DynamoTally
from triagelens.domain.cases import MOVES, Case, CaseStatus
from triagelens.domain.ids import new_id
from triagelens.domain.images import TRANSITIONS, ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.statistics import Statistics, facets_of_case, facets_of_image, statistics
from triagelens.services.counting import Counting, Figures, Tally

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 10)
OPERATIONS = 2_000
LABELS = {"skin": ("mel", "nv"), "eye": ("normal", "cataract")}
MODEL = ModelIdentity(name="m", version="1", sha256="a" * 64, manifest_sha256="b" * 64)


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


class Clinic:
    """Random work on images and cases, through the tables' own adapters."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.images: list[ImageRecord] = []
        self.cases: list[Case] = []
        self.casework = DynamoCasework("casework", REGION)

    def work(self) -> None:
        """One operation: something new, a change of something, or the end of something."""
        draw = self.chance.random()
        if draw < 0.3 or not self.images:
            self.images.append(self.casework.add_image(self._image(), None))
        elif draw < 0.4 or not self.cases:
            self.cases.append(self._stored(self._case()))
        elif draw < 0.8:
            number = self.chance.randrange(len(self.images))
            self.images[number] = self.casework.replace_image(self._moved(self.images[number]))
        elif draw < 0.95:
            number = self.chance.randrange(len(self.cases))
            self.cases[number] = self._stored(self._decided(self.cases[number]))
        else:
            gone = self.images.pop(self.chance.randrange(len(self.images)))
            CaseworkItem(f"IMG#{gone.image_id}", META).delete(add_version_condition=False)

    def _time(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=self.chance.randrange(10))

    def _image(self) -> ImageRecord:
        now = self._time()
        return ImageRecord(
            image_id=new_id(),
            owner="owner",
            specialty=self.chance.choice(sorted(LABELS)),
            status=ImageStatus.AWAITING_UPLOAD,
            upload=UploadDeclaration.model_validate(
                {
                    "content_type": "image/jpeg",
                    "size_bytes": 1,
                    "purpose": self.chance.choice(["diagnosis", "training"]),
                }
            ),
            upload_expires_at=now,
            created_at=now,
            updated_at=now,
            correlation_id="c",
        )

    def _moved(self, image: ImageRecord) -> ImageRecord:
        """The image after a step that the status machine draws; without one, touched only."""
        steps = sorted(to for at, to in TRANSITIONS if at is image.status)
        if not steps:
            return image.model_copy(update={"attempt": image.attempt + 1})
        to = self.chance.choice(steps)
        if to is ImageStatus.REJECTED:
            reasons = tuple(
                Reason(code=code, message="m", severity=self.chance.choice(["reject", "warn"]))
                for code in self.chance.sample(["blurred", "dark", "bright"], 2)
            )
            return image.move(
                to, image.updated_at, quality=QualityReport(verdict="rejected", reasons=reasons)
            )
        if to is ImageStatus.ANALYZED:
            first, second = self.chance.sample(LABELS[image.specialty], 2)
            found = Prediction.ranked(
                {first: 0.9, second: 0.1},
                specialty=image.specialty,
                model=MODEL,
                demonstration=True,
                intended_use="tests",
            )
            return image.move(to, image.updated_at, prediction=found)
        return image.move(to, image.updated_at)

    def _case(self) -> Case:
        now = self._time()
        return Case(
            case_id=new_id(),
            number=len(self.cases) + 1,
            specialty=self.chance.choice(sorted(LABELS)),
            status=CaseStatus.OPEN,
            owner="owner",
            image_ids=("i",),
            created_at=now,
            updated_at=now,
            updated_by="owner",
            correlation_id="c",
        )

    def _decided(self, case: Case) -> Case:
        moves = sorted(move for at, move in MOVES if at is case.status)
        if not moves:
            return case
        return case.after(self.chance.choice(moves), "owner", case.updated_at, "c")

    def _stored(self, case: Case) -> Case:
        item = case_item(case)
        item.save()
        return case.model_copy(update={"version": int(item.version)})


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
    assert told.classes
    assert told.rejection_reasons
    assert 0 < (told.rejection_rate or 0) < 1
    assert len(told.days) == 10


def test_the_tables_counters_equal_a_recount_too(cloud: Cloud) -> None:
    clinic = worked(60)
    redelivered(cloud, clinic.chance)
    assert counters() == recount()
    assert counters().submissions == len(clinic.images) > 0


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
    for _ in range(3):
        clinic.work()
    for image in clinic.images:
        CaseworkItem(f"IMG#{image.image_id}", META).delete(add_version_condition=False)
    for case in clinic.cases:
        CaseworkItem(f"CASE#{case.case_id}", META).delete(add_version_condition=False)
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
    clinic.work()
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
    clinic.work()
    assert deliver(*changes_of(cloud)) == []
    again = list(changes_of(cloud))
    assert len(again) > 1
    assert deliver(*again) == []
    assert list(changes_of(cloud)) == again
