"""From the audit table's stream to closed, signed days in the bucket, on real adapters."""

import base64
import io
import json
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodbstreams.models import dynamodbstreams_backends

import chain_audit.handler
import chain_audit.settings
import seal_audit.handler
import seal_audit.settings
from tests.cloud import REGION, Cloud, FakeContext, client
from triagelens.adapters.dynamodb.audit import DynamoAuditReader, DynamoAuditTrail
from triagelens.adapters.dynamodb.audit_chain import DynamoChain
from triagelens.adapters.dynamodb.tables import AuditItem
from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.audit_chain import Head, Seal, chain_on, genesis, is_whole
from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from triagelens.domain.ids import new_id
from triagelens.services.audit_chain import Chain
from triagelens.services.audit_ports import Question

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}


class Trail:
    """A table with a stream, the functions that follow it, and a clock for both."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud, self.now = cloud, NOON
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        cloud.dynamodb.update_table(TableName="audit", StreamSpecification=stream)
        cloud.make_bucket("audit-exports")
        monkeypatch.setenv("AUDIT_BUCKET", "audit-exports")
        monkeypatch.setenv("AUDIT_KEY_ID", client("kms").create_key(**KEY)["KeyMetadata"]["KeyId"])
        for cached in (
            chain_audit.settings.settings,
            chain_audit.handler.chain,
            seal_audit.settings.settings,
            seal_audit.handler.sealing,
        ):
            cached.cache_clear()
        for made in (chain_audit.handler.chain(), seal_audit.handler.sealing()):
            object.__setattr__(made, "clock", lambda: self.now)
        self.records = DynamoChain("audit", REGION)

    def write(self, count: int = 1, **fields: Any) -> list[AuditEntry]:
        made = [entry(**fields) for _ in range(count)]
        for one in made:
            DynamoAuditTrail("audit", REGION).append(one)
        return made

    def stream(self) -> list[dict[str, Any]]:
        streams = dynamodbstreams_backends[DEFAULT_ACCOUNT_ID][REGION]
        arn = self.cloud.dynamodb.describe_table(TableName="audit")["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(arn)["Shards"]
        iterator = streams.get_shard_iterator(arn, shard["ShardId"], "TRIM_HORIZON")
        records: list[dict[str, Any]] = streams.get_records(iterator.arn, 1000)["Records"]
        return records

    def link(self) -> None:
        """Delivers the stream's whole content, as often as it is called."""
        chain_audit.handler.handler({"Records": self.stream()}, FakeContext())

    def close(self) -> list[str]:
        closed: list[str] = seal_audit.handler.handler({}, FakeContext())["closed"]
        return closed

    def export(self, day: date = TODAY, suffix: str = "jsonl") -> bytes:
        body: bytes = self.cloud.s3.get_object(Bucket="audit-exports", Key=f"days/{day}.{suffix}")[
            "Body"
        ].read()
        return body


def entry(**fields: Any) -> AuditEntry:
    given = {"actor": "sub-ada", "action": "patient.read", "subject": new_id(), "at": NOON, **fields}
    return AuditEntry(entry_id=new_id(), outcome=Outcome.ALLOWED, correlation_id="request", **given)


@pytest.fixture
def trail(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Trail:
    return Trail(cloud, monkeypatch)


def test_entries_are_linked_once_however_often_the_stream_brings_them(trail: Trail) -> None:
    made = trail.write(30)
    trail.link()
    trail.link()  # by now it brings the links themselves, too
    made += trail.write(3)
    trail.link()
    links = trail.records.links(TODAY)
    assert [link.entry["entry_id"] for link in links] == [one.entry_id for one in made]
    assert [link.entry for link in links] == [one.model_dump(mode="json") for one in made]
    assert is_whole(TODAY, links)


def test_a_closed_day_is_exported_and_signed_by_a_key_that_anybody_can_check(trail: Trail) -> None:
    trail.write(3)
    trail.link()
    assert trail.close() == []
    trail.now = datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert trail.close() == ["2026-11-23", "2026-11-24"]
    assert trail.close() == []
    seal = Seal.model_validate_json(trail.export(suffix="seal.json"))
    assert trail.records.last_seal() == Seal.model_validate_json(
        trail.export(date(2026, 11, 24), suffix="seal.json")
    )
    assert (seal.head.count, trail.export().count(b"\n")) == (3, 3)
    assert json.loads(trail.export().splitlines()[-1])["hash"] == seal.head.head
    key = serialization.load_der_public_key(base64.b64decode(seal.public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(base64.b64decode(seal.signature), seal.head.statement, ec.ECDSA(hashes.SHA256()))


def test_a_hand_at_the_table_is_reported_and_holds_nothing_up(
    trail: Trail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = io.StringIO()
    monkeypatch.setattr(chain_audit.handler.logger.registered_handler, "stream", logged)
    (changed,) = trail.write()
    (item,) = AuditItem.query("DAY#2026-11-23")
    item.body = {**item.body, "actor": "sub-eve"}
    item.save()
    AuditItem("DAY#2026-11-23", "not-an-entry", kind="audit", body={"entry_id": "another"}).save()
    (removed,) = trail.write()
    AuditItem.get("DAY#2026-11-23", removed.entry_id).delete()
    (after,) = trail.write()
    trail.link()
    assert [what in logged.getvalue() for what in ("MODIFY", "REMOVE", "UNREADABLE")] == [True] * 3
    assert '"AuditTouched":[1' in capsys.readouterr().out
    linked = [link.entry for link in trail.records.links(TODAY)]
    assert [one["entry_id"] for one in linked] == [changed.entry_id, removed.entry_id, after.entry_id]
    assert linked[0]["actor"] == "sub-ada", "the link keeps the entry as it was"


def test_many_consumers_at_once_make_one_chain(trail: Trail) -> None:
    batches = [[entry().model_dump(mode="json") for _ in range(3)] for _ in range(4)]
    failed: list[object] = []

    def work(batch: list[dict[str, Any]]) -> None:
        for _ in range(20):  # as the stream would deliver it again
            try:
                Chain(DynamoChain("audit", REGION), lambda: NOON).link(batch)
            except ConflictError:
                continue
            return
        failed.append(batch)

    threads = [Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    links = trail.records.links(TODAY)
    assert len(links) == 12
    assert is_whole(TODAY, links)


def test_nothing_is_linked_to_a_closed_day_and_no_day_closed_short_of_its_links(trail: Trail) -> None:
    trail.write(2)
    trail.link()
    short = Head(day=TODAY, count=1, head=trail.records.links(TODAY)[0].hash)
    with pytest.raises(ConflictError):
        trail.records.add_seal(Seal(head=short, signature="s", public_key="k"))
    trail.now = datetime(2026, 11, 24, 1, tzinfo=UTC)
    trail.close()
    last = trail.records.last_link(TODAY)
    assert last is not None
    with pytest.raises(ConflictError):
        trail.records.add_links(TODAY, chain_on(last.hash, last.number, [{"entry_id": new_id()}]))
    seal = trail.records.last_seal()
    assert seal is not None
    with pytest.raises(ConflictError):
        trail.records.add_seal(seal)


def test_an_entry_has_one_link_even_across_days(trail: Trail) -> None:
    document = {"entry_id": new_id()}
    trail.records.add_links(TODAY, chain_on(genesis(TODAY), 0, [document]))
    other = date(2026, 11, 24)
    with pytest.raises(ConflictError):
        trail.records.add_links(other, chain_on(genesis(other), 0, [document]))
    assert trail.records.linked([document["entry_id"], new_id()]) == {document["entry_id"]}
    assert trail.records.first_day() == TODAY


@pytest.mark.parametrize(
    "question",
    [Question(day=TODAY), Question(actor="sub-ada"), Question(subject="01k0000000000000000000000a")],
)
def test_entries_are_found_by_day_actor_and_subject_page_by_page(trail: Trail, question: Question) -> None:
    subject = "01k0000000000000000000000a"
    made = [entry(subject=subject) for _ in range(5)]
    for one in made:
        DynamoAuditTrail("audit", REGION).append(one)
    trail.write(actor="sub-eve", at=datetime(2026, 11, 22, tzinfo=UTC))
    reader = DynamoAuditReader("audit", REGION)
    found: list[AuditEntry] = []
    cursor: str | None = None
    for _ in range(4):
        page = reader.entries(question, 2, cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
    assert found == sorted(made, key=lambda one: one.entry_id, reverse=True)
    for nonsense in ("x", "2026-11-23:x", f"yesterday:{new_id()}"):
        with pytest.raises(InvalidRequestError):
            reader.entries(question, 2, nonsense)


def test_what_was_done_to_no_one_thing_is_no_subject(trail: Trail) -> None:
    trail.write(subject="-")
    assert DynamoAuditReader("audit", REGION).entries(Question(subject="-"), 10, None).items == []


def test_closed_days_are_listed_newest_first(trail: Trail) -> None:
    trail.write()
    trail.link()
    trail.now = datetime(2026, 11, 26, 1, tzinfo=UTC)
    trail.close()
    reader = DynamoAuditReader("audit", REGION)
    page = reader.seals(2, None)
    rest = reader.seals(2, page.cursor)
    assert [seal.head.day.day for seal in (*page.items, *rest.items)] == [25, 24, 23]
    assert reader.seal(TODAY).head.count == 1
    with pytest.raises(NotFoundError):
        reader.seal(date(2026, 11, 26))
    with pytest.raises(InvalidRequestError):
        reader.seals(2, "soon")
