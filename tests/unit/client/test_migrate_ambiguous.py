"""What may mean two records, and what leads elsewhere: taken for neither, and told."""

import codecs
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import old_stores
from tests.old_stores import FORM, PATIENT, SCAN, SUBMISSION, USER, case, write_csv, write_json
from triagelens_client.migrate.allcare import read_allcare
from triagelens_client.migrate.braintumor import ELSEWHERE, TWO_PATIENTS, PatientKey, read_braintumor
from triagelens_client.migrate.cataract import read_cataract
from triagelens_client.migrate.dermascan import read_dermascan
from triagelens_client.migrate.records import Kind, Store, StoreError
from triagelens_client.migrate.smita import NO_FORM, read_smita

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def two_patients(root: Path, *scans: Mapping[str, object]) -> Path:
    ann = {**PATIENT, "id": 1, "patient_id": 2, "name": "Ann", "username": "ann"}
    bob = {**PATIENT, "id": 2, "patient_id": 1, "name": "Bob", "username": "bob"}
    folder = write_csv(root, patients=[ann, bob], scans=list(scans))
    (folder / "scans").mkdir()
    (folder / "scans" / "scan-0001.png").write_bytes(JPEG)
    return folder


def test_a_scan_that_may_be_of_two_patients_comes_to_neither(tmp_path: Path) -> None:
    folder = two_patients(tmp_path, {**SCAN, "patient_id": 2})
    store = read_braintumor(folder)
    assert store.images == []
    assert {one.ref: one.reason for one in store.unfit} == {"scan-0001": TWO_PATIENTS}


@pytest.mark.parametrize(("key", "number"), [(PatientKey.ID, "1"), (PatientKey.PATIENT_ID, "2")])
def test_whoever_knows_the_column_says_whose_scan_it_is(tmp_path: Path, key: PatientKey, number: str) -> None:
    folder = two_patients(tmp_path, {**SCAN, "patient_id": 2})
    (scan,) = read_braintumor(folder, patient_key=key).images
    assert scan.patient == number


def test_a_scan_of_a_patient_who_is_left_out_goes_to_nobody_else(tmp_path: Path) -> None:
    nameless = {**PATIENT, "id": 2, "patient_id": "P-2", "name": ""}
    other = {**PATIENT, "id": 9, "patient_id": 2}
    write_csv(tmp_path, patients=[nameless, other, {**PATIENT, "id": 3, "name": ""}])
    write_csv(tmp_path, scans=[{**SCAN, "patient_id": 2}, {**SCAN, "scan_id": "s2", "patient_id": 3}])
    (tmp_path / "scans").mkdir()
    for name in ("abc123.png", "scan-0001.png", "s2.png"):
        (tmp_path / "scans" / name).write_bytes(JPEG)
    store = read_braintumor(tmp_path)
    assert store.images == []
    reasons = {one.ref: one.reason for one in store.unfit if one.kind is Kind.IMAGE}
    assert reasons == {"scan-0001": TWO_PATIENTS, "s2": "its patient is left out"}


@pytest.mark.parametrize(
    "other",
    [{"original_filename": "x/abc123.png"}, {"original_path": "abc123"}, {"scan_id": "abc123"}],
)
def test_a_file_that_two_scans_may_mean_is_neithers(tmp_path: Path, other: Mapping[str, object]) -> None:
    second = {**SCAN, "scan_id": "s2", "original_path": "", "original_filename": "", **other}
    write_csv(tmp_path, patients=[PATIENT], scans=[SCAN, second])
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "abc123.png").write_bytes(JPEG)
    store = read_braintumor(tmp_path)
    assert store.images == []
    assert {one.reason for one in store.unfit} == {ELSEWHERE}


def test_an_image_that_two_forms_may_mean_is_neithers(tmp_path: Path) -> None:
    write_json(tmp_path, forms=[FORM, {**FORM, "smita_id": "xyz789", "image_url": ""}])
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "xyz789.jpg").write_bytes(JPEG)
    assert read_smita(tmp_path).cases == []


def test_an_image_with_two_findings_of_a_device_is_not_given_one_of_them_by_chance(tmp_path: Path) -> None:
    named = {**SUBMISSION, "imagePath": "s1.jpg", "className": "Cataract"}
    store = read_cataract(old_stores.cataract(tmp_path, {"s1": SUBMISSION, "s2": named}, {"s1.jpg": JPEG}))
    assert [image.ref for image in store.images] == ["images/s1.jpg"]
    assert [(one.ref, one.reason) for one in store.unfit] == [
        ("metadata/s2.json", "other metadata tells of its image")
    ]


def test_a_long_field_ends_where_its_quotes_do(tmp_path: Path) -> None:
    """What somebody wrote into their address never becomes a row of its own."""
    write_csv(
        tmp_path, patients=[{**PATIENT, "address": f"{'x' * 250_000}\n1,P-1,Mallory,,,,,,,,\n"}, PATIENT]
    )
    store = read_braintumor(tmp_path)
    assert [patient.number for patient in store.patients] == ["P-2025-0007"]
    assert [one.reason for one in store.unfit] == ["it is not a row of this table"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("id,patient_id,name,id\n1,P-1,Ann,2\n", "two of its columns are called 'id'"),
        ('id,"patient_id"x,name\nid,patient_id,name\n1,P-1,Ann\n', "line 1"),
        ('id,patient_id,name\n1,"P-1"x,Ann\n', "line 2"),
        ("\n\n", "no columns"),
    ],
)
def test_a_table_whose_columns_are_not_clear_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "patients.csv").write_text(content)
    with pytest.raises(StoreError, match=reason):
        read_braintumor(tmp_path)


def test_a_mark_of_the_byte_order_is_no_part_of_a_document(tmp_path: Path) -> None:
    users = [{"username": "ann", "password": old_stores.HASH}]
    (tmp_path / "users.json").write_bytes(codecs.BOM_UTF8 + json.dumps(users).encode())
    assert [user.username for user in read_smita(tmp_path).users] == ["ann"]
    (tmp_path / "users.json").write_bytes(codecs.BOM_UTF8 + json.dumps(users[0]).encode())
    assert [user.username for user in read_smita(tmp_path).users] == ["ann"]


def test_comments_on_no_form_are_told(tmp_path: Path) -> None:
    comments = [{"smita_id": "gone", "comment": "Seen."}, {"comment": "Seen."}]
    write_json(tmp_path, forms=[FORM], comments=comments)
    unfit = {one.ref: one.reason for one in read_smita(tmp_path).unfit if one.kind is Kind.LINE}
    assert unfit == {"comments.json:1": NO_FORM, "comments.json:2": NO_FORM}


def test_users_who_come_from_behind_a_link_come_from_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps({"mallory": {**USER, "role": "admin"}}))
    storage = old_stores.allcare(tmp_path, [case(1, "a.jpg")], {"a.jpg": JPEG})
    for place in (storage, tmp_path):
        (place / "users.json").symlink_to(elsewhere)
        with pytest.raises(StoreError, match="--users"):
            read_allcare(storage)
        (place / "users.json").unlink()
    assert [user.username for user in read_allcare(storage, users=elsewhere).users] == ["mallory"]


def test_folders_that_are_links_are_read_only_where_they_are_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for label in ("mel", "nv"):
        (elsewhere / "data" / "HAM" / label).mkdir(parents=True)
        (elsewhere / "data" / "HAM" / label / "a.jpg").write_bytes(JPEG)
    old_stores.cataract(elsewhere, {"s1": SUBMISSION}, {"s1.jpg": JPEG})
    old_stores.allcare(elsewhere, [case(1, "a.jpg")], {"a.jpg": JPEG})
    links: tuple[tuple[Callable[[Path], Store], str, Path], ...] = (
        (read_dermascan, "data", elsewhere / "data"),
        (read_dermascan, "server", elsewhere),
        (read_cataract, "training_data", elsewhere / "training_data"),
        (read_cataract, "metadata", elsewhere / "training_data" / "metadata"),
        (read_allcare, "storage", elsewhere / "storage"),
    )
    for place, (read, name, target) in enumerate(links):
        root = tmp_path / f"{place}"
        root.mkdir()
        (root / name).symlink_to(target)
        with pytest.raises(StoreError, match="is a link"):
            read(root)
