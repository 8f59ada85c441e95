"""What the readers make of old stores: whole ones, damaged ones and hostile ones."""

import json
import os
from pathlib import Path

import pytest

from tests import old_stores
from tests.old_stores import AES_KEY, FERNET_KEY, SUBMISSION, USER, case
from triagelens_client.migrate.allcare import read_allcare
from triagelens_client.migrate.cataract import read_cataract
from triagelens_client.migrate.labels import label_of
from triagelens_client.migrate.places import OldFolder
from triagelens_client.migrate.reading import MOST_LINE_BYTES, moment, probability
from triagelens_client.migrate.records import Kind, Store, StoreError, UnfitError

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
OTHER = JPEG + b"other"


def left_out(store: Store) -> dict[str, str]:
    return {one.ref: one.reason for one in store.unfit}


def test_users_images_and_cases_of_allcare_are_read(tmp_path: Path) -> None:
    lines = [case(10000, "a.jpg", "images/b.jpg"), {"image_path": "c.jpg", "predictions": []}]
    images = {"a.jpg": JPEG, "b.jpg": OTHER, "c.jpg": JPEG}
    storage = old_stores.allcare(tmp_path, lines, images, users={"user001": USER})
    store = read_allcare(storage)
    assert [(user.username, user.role, user.password_hash) for user in store.users] == [
        ("user001", "doctor", old_stores.HASH)
    ]
    assert [image.ref for image in store.images] == [
        f"user001/images/{name}" for name in ("a.jpg", "b.jpg", "c.jpg")
    ]
    assert [image.read() for image in store.images] == [JPEG, OTHER, JPEG]
    (read,) = store.cases
    assert read.ref == "user001/10000"
    assert read.images == ("user001/images/a.jpg", "user001/images/b.jpg")
    assert store.unfit == []
    assert old_stores.HASH not in repr(store)


@pytest.mark.parametrize("key", [FERNET_KEY, AES_KEY])
def test_an_encrypted_storage_opens_with_its_key_and_with_no_other(tmp_path: Path, key: str) -> None:
    storage = old_stores.allcare(tmp_path, [case(10000, "a.bin")], {"a.bin": JPEG}, key=key)
    assert JPEG not in (storage / "user001" / "images" / "a.bin").read_bytes()
    store = read_allcare(storage, key=f"{key}\n")
    assert [image.read() for image in store.images] == [JPEG]
    assert [one.ref for one in store.cases] == ["user001/10000"]
    closed = read_allcare(storage)
    assert (closed.images, closed.cases) == ([], [])
    assert left_out(closed)["user001/metadata.jsonl:1"] == "it is encrypted, and no key was given"
    other = read_allcare(storage, key=AES_KEY if key == FERNET_KEY else FERNET_KEY)
    assert left_out(other)["user001/metadata.jsonl:1"] == "it is encrypted, and the key does not open it"


@pytest.mark.parametrize("key", ["short", "not base 64!", "AAAA"])
def test_what_is_no_key_is_told_before_anything_is_read(tmp_path: Path, key: str) -> None:
    storage = old_stores.allcare(tmp_path, [case(10000)], {})
    with pytest.raises(StoreError, match="key") as told:
        read_allcare(storage, key=key)
    assert key not in str(told.value)


def test_bad_lines_keep_no_good_one_back(tmp_path: Path) -> None:
    deep = "[" * 100_000
    long = json.dumps({"case_id": 1, "notes": "x" * MOST_LINE_BYTES})
    lines = ["{broken", "[]", '"text"', deep, long, "", case(10000, "a.jpg"), {"notes": "about nothing"}]
    store = read_allcare(old_stores.allcare(tmp_path, lines, {"a.jpg": JPEG}))
    assert [one.ref for one in store.cases] == ["user001/10000"]
    reasons = left_out(store)
    told = [reasons[f"user001/metadata.jsonl:{line}"] for line in (1, 2, 3, 4, 5, 8)]
    assert told == [
        "it is not JSON",
        "it is not a JSON object",
        "it is not a JSON object",
        "it is not JSON",
        "the line is too long",
        "it names neither a case nor an image that is there",
    ]


@pytest.mark.parametrize(
    "name", ["../../secret.jpg", "images/../../../secret.jpg", "..\\..\\secret.jpg", "link.jpg"]
)
def test_a_name_that_leads_out_of_the_folder_is_never_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    storage = old_stores.allcare(tmp_path, [case(10000, name)], {})
    (storage / "user001" / "images" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    store = read_allcare(storage)
    assert store.images == []
    assert left_out(store)[f"user001/{name}"] == "its name leads out of the folder"


def test_links_among_folders_and_metadata_are_left_where_they_are(tmp_path: Path) -> None:
    elsewhere = old_stores.allcare(tmp_path / "elsewhere", [case(1, "a.jpg")], {"a.jpg": JPEG})
    storage = old_stores.allcare(tmp_path, [case(2, "b.jpg")], {"b.jpg": JPEG})
    (storage / "user002").symlink_to(elsewhere / "user001")
    (storage / "user003").mkdir()
    (storage / "user003" / "metadata.jsonl").symlink_to(elsewhere / "user001" / "metadata.jsonl")
    (storage / "user003" / "images").symlink_to(elsewhere / "user001" / "images")
    store = read_allcare(storage)
    assert [one.ref for one in store.cases] == ["user001/2"]
    assert left_out(store) == {"user003/metadata.jsonl": "it is a link"}


def test_a_pipe_in_an_images_place_is_no_image_and_holds_nothing_up(tmp_path: Path) -> None:
    storage = old_stores.allcare(tmp_path, [case(10000, "a.jpg")], {})
    os.mkfifo(storage / "user001" / "images" / "a.jpg")
    assert left_out(read_allcare(storage)) == {"user001/a.jpg": "the file is not there"}


def test_a_whole_path_of_the_old_machine_is_found_by_its_name(tmp_path: Path) -> None:
    named = "/srv/backserver/storage/user001/images/a.jpg"
    store = read_allcare(old_stores.allcare(tmp_path, [case(10000, named)], {"a.jpg": JPEG}))
    assert [image.ref for image in store.images] == ["user001/images/a.jpg"]


def test_later_lines_of_a_case_say_what_changed(tmp_path: Path) -> None:
    lines = [
        case(10000, "a.jpg", case_status="uncertain"),
        {"case_id": 10000, "case_status": "confirmed", "final_diagnosis": "Melanoma of the back"},
        {"case_id": 10000, "correct_label": "Melanoma"},
    ]
    (read,) = read_allcare(old_stores.allcare(tmp_path, lines, {"a.jpg": JPEG})).cases
    assert (read.status, read.diagnosis, read.label) == ("confirmed", "Melanoma of the back", "mel")


@pytest.mark.parametrize(
    ("fields", "status", "remark"),
    [
        ({"case_status": "confirmed"}, "open", "it was confirmed without a diagnosis; it is open"),
        ({"case_status": "mysterious"}, "open", "its status 'mysterious' is not known here; it is open"),
        ({"correct_label": "wart"}, "open", "its label 'wart' is none of the platform's"),
        ({"case_status": "confirmed", "correct_label": "wart"}, "confirmed", "its label 'wart'"),
    ],
)
def test_weak_records_come_over_with_a_remark(
    tmp_path: Path, fields: dict[str, str], status: str, remark: str
) -> None:
    storage = old_stores.allcare(tmp_path, [case(10000, "a.jpg", **fields)], {"a.jpg": JPEG})
    (read,) = read_allcare(storage).cases
    assert read.status == status
    assert any(one.startswith(remark) for one in read.remarks)


def test_a_storage_of_the_time_before_there_were_users_folders(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "metadata.jsonl").write_text(json.dumps(case(10000, "a.jpg")))
    store = read_allcare(tmp_path)
    assert [one.ref for one in store.cases] == ["legacy/10000"]
    assert [one.ref for one in store.images] == ["images/a.jpg"]


@pytest.mark.parametrize("content", ["", "[]", "{nonsense"])
def test_a_users_file_that_holds_none_is_refused_as_a_whole(tmp_path: Path, content: str) -> None:
    storage = old_stores.allcare(tmp_path, [case(10000)], {})
    (tmp_path / "users.json").write_text(content)
    with pytest.raises(StoreError):
        read_allcare(storage)


def test_what_is_no_storage_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        read_allcare(tmp_path)
    with pytest.raises(StoreError):
        read_cataract(tmp_path)


def test_a_collection_of_the_cataract_app_is_read_with_what_the_device_said(tmp_path: Path) -> None:
    folder = old_stores.cataract(tmp_path, {"s1": SUBMISSION}, {"s1.jpg": JPEG})
    for place in (folder, tmp_path):
        (image,) = read_cataract(place).images
        assert (image.ref, image.specialty, image.read()) == ("images/s1.jpg", "eye", JPEG)
        assert image.about == {
            "on_device_prediction": {
                "label": "Normal",
                "probability": 0.85,
                "inference_time_s": 0.123,
                "raw_output": 0.15,
                "class_index": 0,
                "model": "on device",
            },
            "captured_at": "2025-01-17T10:30:00+00:00",
            "device": {"platform": "android", "version": "13"},
        }


def test_of_the_cataract_app_damaged_and_lonely_files_are_told(tmp_path: Path) -> None:
    folder = old_stores.cataract(
        tmp_path,
        {
            "broken": "{",
            "no-image": SUBMISSION,
            "out": {**SUBMISSION, "imagePath": "../../x.jpg"},
            "weak": {"className": "Normal", "confidence": 400},
        },
        {"lonely.png": JPEG, "weak.jpg": JPEG},
    )
    store = read_cataract(folder)
    assert left_out(store) == {
        "metadata/broken.json": "it is not JSON",
        "metadata/no-image.json": "its image is not there",
        "metadata/out.json": "its name leads out of the folder",
        "images/lonely.png": "no metadata tells of it",
    }
    (weak,) = store.images
    assert weak.remarks == ("the prediction of the device could not be read",)
    assert {one.kind for one in store.unfit} == {Kind.IMAGE}


def test_a_file_that_is_too_large_or_empty_is_no_image(tmp_path: Path) -> None:
    folder = old_stores.cataract(tmp_path, {"big": SUBMISSION, "none": SUBMISSION}, {"none.jpg": b""})
    with (folder / "images" / "big.jpg").open("wb") as stream:
        stream.truncate(50_000_001)
    reads = {image.ref: image.read for image in read_cataract(folder).images}
    for name, reason in (("big", "more than 50,000,000 bytes"), ("none", "empty")):
        with pytest.raises(UnfitError, match=reason):
            reads[f"images/{name}.jpg"]()


@pytest.mark.parametrize(
    ("specialty", "words", "label"),
    [
        ("skin", "Melanoma", "mel"),
        ("skin", "melanocytic_nevi", "nv"),
        ("skin", "Bowen's disease", "akiec"),
        ("brain", "No Tumor", "no_tumour"),
        ("brain", "Tumor", None),
        ("oral", "Lesion", "lesion"),
        ("skin", None, None),
        ("heart", "mel", None),
    ],
)
def test_labels_are_known_by_their_former_words(specialty: str, words: str | None, label: str | None) -> None:
    assert label_of(specialty, words) == label


@pytest.mark.parametrize("value", [True, "x", -1, 101, float("nan"), "1e999", [], {}, 10**400])
def test_what_is_no_probability_is_none(value: object) -> None:
    assert probability({"p": value}, "p") is None


@pytest.mark.parametrize(
    "value", [True, "soon", 1e300, {"$date": {"$numberLong": "9" * 30}}, {"$date": None}]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert moment({"t": value}, "t") is None


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        OldFolder.of(tmp_path / "nowhere")
