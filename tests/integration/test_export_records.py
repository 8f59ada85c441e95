"""Exports from the queue to the file, on tables and buckets."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

import export_records.handler
import export_records.settings
import export_records.wiring
from tests.cloud import MAX_RECEIVE_COUNT, REGION, Cloud
from tests.integration.exporting import ADMIN, NOW, RESEARCHER, Desk, case, draw, image, patient, table
from triagelens.adapters.dynamodb.casework import META, DynamoCasework
from triagelens.adapters.dynamodb.exports import DynamoExports, DynamoExportSource
from triagelens.adapters.dynamodb.panel_items import panel_item
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.export_files import S3ExportFiles
from triagelens.domain.cases import CaseStatus
from triagelens.domain.exports import Export, ExportStatus
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.panels import Panel


@pytest.fixture
def desk(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("EXPORT_BUDGET_S", "60")
    caches = (export_records.settings.settings, export_records.wiring.making)
    for cache in caches:
        cache.cache_clear()
    yield Desk(cloud)
    for cache in caches:
        cache.cache_clear()


def test_every_image_is_a_row_whatever_became_of_it(desk: Desk) -> None:
    made = {image(status).image_id: str(status) for status in set(ImageStatus) - {ImageStatus.EXPIRED}}
    rows = table(desk.made())
    assert {row["image_id"]: row["status"] for row in rows} == made
    assert len(rows) == len(made) == 5


def test_only_the_wanted_specialty_and_days_are_told(desk: Desk) -> None:
    wanted = image(created_at=NOW - timedelta(days=40))
    image(created_at=NOW - timedelta(days=40), specialty="skin")
    image(created_at=NOW - timedelta(days=41))
    image(created_at=NOW - timedelta(days=30))
    days = {"first": date(2026, 10, 11), "last": date(2026, 10, 20)}
    assert [row["image_id"] for row in table(desk.made(specialty="eye", **days))] == [wanted.image_id]


def test_without_people_an_export_holds_no_name_and_nothing_that_somebody_typed(desk: Desk) -> None:
    ada = patient("Ada Canary")
    image(patient_id=ada.patient_id)
    of_ada = case(patient_id=ada.patient_id, final_diagnosis="Canary")
    for what in ("images", "cases"):
        for form in ("csv", "jsonl"):
            days = {"last": of_ada.created_at.date()}
            text = desk.made(what=what, format=form, **days)
            assert ada.patient_id in text
            assert "Canary" not in text
            assert "cmd" not in text


def test_with_people_names_and_texts_are_told_and_formulas_are_harmless(desk: Desk) -> None:
    ada = patient("Ada Canary")
    image(patient_id=ada.patient_id)
    of_ada = case(patient_id=ada.patient_id)
    days = {"last": of_ada.created_at.date(), "include_people": True}
    [row] = table(desk.made(ADMIN, **days))
    assert (row["patient_name"], row["original_filename"]) == ("Ada Canary", "'=cmd|' /C calc'!A0.jpg")
    [row] = table(desk.made(ADMIN, what="cases", **days))
    assert (row["patient_name"], row["notes"]) == ("Ada Canary", "'-2+3 of Ada Canary")
    [told] = map(json.loads, desk.made(ADMIN, what="cases", format="jsonl", **days).splitlines())
    assert (told["patient_name"], told["notes"]) == ("Ada Canary", "-2+3 of Ada Canary")


def test_labels_of_a_blind_panel_are_told_once_all_readers_are_in(desk: Desk) -> None:
    waiting, done = case(), case()
    for of, labels in ((waiting, {"r1": "normal"}), (done, {"r1": "normal", "r2": "normal"})):
        panel = Panel(
            case_id=of.case_id,
            specialty="eye",
            readers_wanted=2,
            labels=labels,
            training_label="normal" if len(labels) == 2 else None,
        )
        panel_item(panel).save()
    today = {"what": "cases", "last": done.created_at.date()}
    text = desk.made(format="jsonl", **today)
    rows = {row["case_id"]: row for row in map(json.loads, text.splitlines())}
    assert (rows[waiting.case_id]["panel"], rows[waiting.case_id]["labels"]) == ("reading", None)
    assert rows[done.case_id]["labels"] == {"r1": "normal", "r2": "normal"}
    assert rows[done.case_id]["training_label"] == "normal"


@pytest.mark.parametrize("what", ["images", "cases"])
def test_coco_holds_what_was_drawn_but_nothing_of_blind_or_rejected_cases(desk: Desk, what: str) -> None:
    shown, blind, rejected = image(), image(), image()
    open_case = case(image_ids=(shown.image_id,))
    blind_case = case(image_ids=(blind.image_id,))
    bad_case = case(CaseStatus.REJECTED, image_ids=(rejected.image_id,))
    panel_item(Panel(case_id=blind_case.case_id, specialty="eye", readers_wanted=2, labels={})).save()
    for of, on in ((open_case, shown), (blind_case, blind), (bad_case, rejected)):
        draw(of, on, "reader")
    asked = desk.ask(what=what, format="coco", specialty="eye", last=open_case.created_at.date())
    # Cases are made by the real clock, which may be ahead of the test's.
    stored = desk.records.export(asked.export_id)
    desk.records.replace_export(stored.model_copy(update={"created_at": open_case.created_at}))
    assert desk.deliver(*desk.cloud.waiting("exports")) == []
    document = json.loads(desk.text(asked))
    names = {entry["id"]: entry["file_name"].removesuffix(".jpg") for entry in document["images"]}
    expected = {shown.image_id, blind.image_id} | ({rejected.image_id} if what == "images" else set())
    assert set(names.values()) == expected
    [drawn] = document["annotations"]
    assert names[drawn["image_id"]] == shown.image_id
    assert drawn["bbox"] == [1, 2, 3, 4]


def test_a_message_that_comes_often_makes_one_export(desk: Desk) -> None:
    image()
    export = desk.ask()
    bodies = desk.cloud.waiting("exports")
    for _ in range(3):
        assert desk.deliver(*bodies) == []
    [version] = desk.cloud.s3.list_object_versions(Bucket="documents")["Versions"]
    assert version["Key"] == f"exports/{export.export_id}/images.csv"
    assert len(table(desk.text(export))) == 1


def test_the_same_key_asks_once_and_sends_again_what_was_not_made(desk: Desk) -> None:
    first = desk.ask(RESEARCHER, "key")
    desk.cloud.waiting("exports")  # as if the message had never been sent
    again = desk.ask(RESEARCHER, "key")
    assert again.export_id == first.export_id
    assert desk.deliver(*desk.cloud.waiting("exports")) == []
    assert desk.ask(RESEARCHER, "key").status is ExportStatus.READY
    assert desk.cloud.waiting("exports") == []


@pytest.mark.parametrize("point", ["begun", "uploaded", "recorded"])
def test_killed_anywhere_it_ends_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    image()
    export = desk.ask()
    bodies = desk.cloud.waiting("exports")
    replace, write = DynamoExports.replace_export, S3ExportFiles.write
    writes = 0

    def replacing(records: DynamoExports, changed: Export) -> Export:
        nonlocal writes
        writes += 1
        done = replace(records, changed)
        if (point, writes) in {("begun", 1), ("recorded", 2)}:
            raise ClientError({"Error": {"Code": "Killed"}}, "put_item")
        return done

    def writing(files: S3ExportFiles, key: str, content: Any, content_type: str) -> str:
        version = write(files, key, content, content_type)
        if point == "uploaded":
            raise ClientError({"Error": {"Code": "Killed"}}, "put_object")
        return version

    with monkeypatch.context() as patched:
        patched.setattr(DynamoExports, "replace_export", replacing)
        patched.setattr(S3ExportFiles, "write", writing)
        assert desk.deliver(*bodies) == ["m0"]
    assert desk.deliver(*bodies) == []
    assert len(table(desk.text(export))) == 1


def test_an_image_that_moves_on_while_it_is_read_is_told_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists are read in the order awaiting, failed, accepted, failed, rejected, analysed."""
    to = ImageStatus
    ways = [
        # Status at first, and what it becomes before the list of that number is read.
        (to.AWAITING_UPLOAD, {1: to.ACCEPTED, 3: to.ANALYZED}),
        (to.AWAITING_UPLOAD, {0: to.REJECTED}),
        (to.FAILED, {1: to.ACCEPTED, 2: to.FAILED}),
        (to.FAILED, {1: to.ACCEPTED, 3: to.FAILED}),
        (to.FAILED, {1: to.REJECTED}),
        (to.FAILED, {2: to.ACCEPTED, 3: to.ANALYZED}),
        (to.ACCEPTED, {2: to.FAILED}),
        (to.ACCEPTED, {2: to.ANALYZED}),
        (to.ACCEPTED, {3: to.FAILED, 4: to.REJECTED}),
    ]
    images = [image(status) for status, _ in ways]
    casework, listed = DynamoCasework("casework", REGION), DynamoExportSource.images
    lists = 0

    def moving(source: DynamoExportSource, status: ImageStatus, month: str) -> Iterator[ImageRecord]:
        nonlocal lists
        if month == f"{NOW:%Y%m}":
            for record, (_, steps) in zip(images, ways, strict=True):
                if lists in steps:
                    now = casework.image(record.image_id)
                    casework.replace_image(now.move(steps[lists], NOW))
            lists += 1
        return listed(source, status, month)

    monkeypatch.setattr(DynamoExportSource, "images", moving)
    told = [row["image_id"] for row in table(desk.made())]
    assert sorted(told) == sorted(record.image_id for record in images)
    assert lists == 6


def test_what_takes_too_long_is_told_clearly_and_not_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_BUDGET_S", "0.000001")
    export_records.settings.settings.cache_clear()
    export_records.wiring.making.cache_clear()
    image()
    export = desk.ask()
    bodies = desk.cloud.waiting("exports")
    assert desk.deliver(*bodies) == []
    failed = desk.records.export(export.export_id)
    assert failed.failure is not None
    assert (failed.status, failed.failure.code, failed.attempt) == (ExportStatus.FAILED, "too_long", 1)
    assert desk.deliver(*bodies) == []
    assert desk.records.export(export.export_id) == failed


def test_what_is_given_up_says_so_and_a_redrive_makes_it_after_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    image()
    export = desk.ask()
    bodies = desk.cloud.waiting("exports")
    with monkeypatch.context() as broken:
        broken.setenv("DOCUMENTS_BUCKET", "no-such-bucket")
        export_records.settings.settings.cache_clear()
        export_records.wiring.making.cache_clear()
        assert desk.deliver(*bodies, receive_count=MAX_RECEIVE_COUNT) == ["m0"]
    export_records.settings.settings.cache_clear()
    export_records.wiring.making.cache_clear()
    told = desk.exports.export(RESEARCHER, export.export_id)
    assert told.failure is not None
    assert (told.status, told.failure.code) == (ExportStatus.FAILED, "processing_error")
    assert desk.deliver(*bodies) == []
    assert desk.exports.export(RESEARCHER, export.export_id).status is ExportStatus.READY


def test_a_message_of_no_export_is_given_up_quietly(desk: Desk) -> None:
    nobody = json.dumps({"export_id": new_id(), "correlation_id": "c"})
    assert desk.deliver("{}", nobody, receive_count=MAX_RECEIVE_COUNT) == ["m0", "m1"]


def test_a_file_that_is_gone_is_told_as_expired(desk: Desk) -> None:
    image()
    export = desk.ask()
    desk.deliver(*desk.cloud.waiting("exports"))
    ready = desk.exports.export(RESEARCHER, export.export_id)
    assert desk.exports.download(ready) is not None
    assert ready.file is not None
    desk.cloud.s3.delete_object(Bucket="documents", Key=ready.file.key, VersionId=ready.file.object_version)
    gone = desk.exports.export(RESEARCHER, export.export_id)
    assert gone.status is ExportStatus.EXPIRED
    assert desk.exports.download(gone) is None


def test_lists_are_of_oneself_or_of_all_page_by_page(desk: Desk) -> None:
    other = RESEARCHER.model_copy(update={"sub": "other"})
    made = [desk.ask(person).export_id for person in (RESEARCHER, other, RESEARCHER)]
    own = desk.exports.page(RESEARCHER, 1, None)
    rest = desk.exports.page(RESEARCHER, 1, own.cursor)
    assert [[e.export_id for e in page.items] for page in (own, rest)] == [[made[2]], [made[0]]]
    assert rest.cursor is None
    everybody = desk.exports.page(ADMIN, 10, None)
    assert [export.export_id for export in everybody.items] == made[::-1]
    assert [e.export_id for e in desk.exports.page(ADMIN, 10, made[1]).items] == [made[0]]


def test_what_was_erased_is_not_told(desk: Desk) -> None:
    kept, erased = image(), image()
    item = CaseworkItem.get(f"IMG#{erased.image_id}", META)
    item.kind, item.status, item.body = "erased", "erased", {"erasure_id": "e", "at": NOW.isoformat()}
    item.save()  # the index still shows it
    assert [row["image_id"] for row in table(desk.made())] == [kept.image_id]
