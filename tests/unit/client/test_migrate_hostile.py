"""Old stores that are out to do harm: one bad record keeps no other back, and none gets at another's."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import old_stores
from tests.old_stores import FORM, HASH, PATIENT, SCAN, SUBMISSION, USER, case, write_csv, write_json
from triagelens_client.migrate.allcare import read_allcare
from triagelens_client.migrate.braintumor import read_braintumor
from triagelens_client.migrate.cataract import read_cataract
from triagelens_client.migrate.deployment import LONGEST_NAME, former_name
from triagelens_client.migrate.engine import Migration
from triagelens_client.migrate.ledger import Ledger
from triagelens_client.migrate.nowhere import Nowhere
from triagelens_client.migrate.places import OldFolder
from triagelens_client.migrate.reading import moment, reference, text
from triagelens_client.migrate.records import Store, UnfitError
from triagelens_client.migrate.report import Report
from triagelens_client.migrate.smita import read_smita

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def nested(levels: int) -> object:
    value: object = "deep"
    for _ in range(levels):
        value = [value]
    return value


NASTY: tuple[object, ...] = (
    *(
        "",
        " ",
        ".",
        "./",
        "..",
        "/",
        "C:/",
        "~",
        "nan",
        "\n",
        "\0",
        "a\0b.jpg",
        "\ud800",
        "\x1b[2J",
        "[/red]",
    ),
    *("https://[x/a.jpg", "https://x/%00.jpg", "http://", "x" * 5_000, "9" * 5_000, "1e999", "-1", "0x10"),
    *(True, None, -1, 0, 1e308, -1e308, float("nan"), float("inf"), 10**400, [], {}, nested(50), nested(900)),
    *({"$oid": 7}, {"$oid": "x"}, {"$binary": "!"}, {"$binary": {"base64": "é"}}, {"$date": None}),
    *({"$date": {"$numberLong": "9" * 400}}, {"$date": {"$numberLong": "9" * 5_000}}, {"$date": 10**300}),
    *({"$date": {"$numberLong": "-1"}}, "0001-01-01T00:00:00+23:59", [None, {"x": []}], {"strokes": [[[]]]}),
)
hostile = st.one_of(
    st.sampled_from(NASTY),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inside: (
            st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3)
        ),
        max_leaves=6,
    ),
)
OF_A_CASE = (
    *(
        "case_id",
        "images",
        "image_path",
        "image_ids",
        "predictions",
        "blur_score",
        "timestamp",
        "case_status",
    ),
    *("correct_label", "annotations", "strokes", "boxes", "image_index", "data", "notes", "labeled_at"),
)
OF_A_FORM = (
    *(*FORM, "image_path", "form", "patient", "comments", "email", "password", "username", "duration_days"),
    *(
        "is_admin",
        "alcohol",
        "sex",
        "complaint",
        "createdAt",
        "rating",
        "feedback",
        "user_id",
        "submitted_at",
    ),
)
OF_A_SUBMISSION = (*SUBMISSION, "metadata", "imagePath", "filename", "receivedAt")
REPORT: Mapping[str, object] = {
    "report_id": "R1",
    "patient_id": "P-1",
    "report_path": "one.pdf",
    "scan_count": 1,
    "created_at": "2025-02-02 09:30:00",
}
OF_A_ROW = (*PATIENT, *SCAN, *REPORT)


@dataclass(frozen=True)
class Made:
    """A store with a good record and a bad one."""

    read: Callable[[Path], Store]
    write: Callable[[Path, Mapping[str, Any]], Path]
    good: str
    fields: tuple[str, ...]


def as_allcare(root: Path, bad: Mapping[str, Any]) -> Path:
    lines = [{**case(1, "bad.jpg"), **bad}, case(2, "good.jpg")]
    users = {"bad": bad, "good": USER}
    return old_stores.allcare(root, lines, {"bad.jpg": JPEG, "good.jpg": JPEG}, users=users)


def as_cataract(root: Path, bad: Mapping[str, Any]) -> Path:
    submissions = {"bad": {**SUBMISSION, **bad}, "good": SUBMISSION}
    return old_stores.cataract(root, submissions, {"bad.jpg": JPEG, "good.jpg": JPEG})


def as_smita(root: Path, bad: Mapping[str, Any]) -> Path:
    forms = [{**FORM, "image_url": "", **bad}, {**FORM, "smita_id": "good", "image_url": ""}]
    users = [{"username": "ann", "password": HASH, **bad}]
    write_json(root, forms=forms, users=users, comments=[{"comment": "Seen.", **bad}])
    write_json(root, feedbacks=[{"rating": 5, "username": "ann", **bad}])
    (root / "images").mkdir()
    for name in ("SMITA-001", "good"):
        (root / "images" / f"{name}.jpg").write_bytes(JPEG)
    return root


def as_braintumor(root: Path, bad: Mapping[str, Any]) -> Path:
    told = {name: str(value).encode("utf-8", "replace").decode() for name, value in bad.items()}
    patient = {**PATIENT, "id": 1, "patient_id": "P-1", "username": "good"}
    scan = {**SCAN, "patient_id": "P-1", "scan_id": "good", "original_path": "", "original_filename": ""}
    rows: dict[str, list[Mapping[str, object]]] = {
        "patients": [patient, {**PATIENT, **only(PATIENT, told)}],
        "scans": [scan, {**SCAN, **only(SCAN, told)}],
        "reports": [REPORT, {**REPORT, "report_id": "R2", **only(REPORT, told)}],
    }
    write_csv(root, **rows)
    for folder, name in (("scans", "good.png"), ("scans", "abc123.png"), ("reports", "one.pdf")):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / name).write_bytes(JPEG)
    return root


def only(known: Mapping[str, object], told: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if name in known}


SYSTEMS = {
    "allcare": Made(read_allcare, as_allcare, "user001/2", OF_A_CASE),
    "cataract": Made(read_cataract, as_cataract, "images/good.jpg", OF_A_SUBMISSION),
    "smita": Made(read_smita, as_smita, "good", OF_A_FORM),
    "braintumor": Made(read_braintumor, as_braintumor, "P-1", OF_A_ROW),
}


def tried(store: Store) -> Report:
    """What a dry run says of it."""
    report = Report.begun(store, None, dry_run=True)
    return Migration(store, Nowhere(), Ledger(None), report, keeps=False).run()


def check_good_one_comes(made: Made, bad: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as root:
        report = tried(made.read(made.write(Path(root), bad)))
    json.dumps(report.document()).encode()
    assert {entry.outcome for entry in report.entries if entry.ref == made.good} == {"taken"}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "value", NASTY, ids=lambda value: repr(value)[:30] if value != nested(900) else "deep"
)
def test_a_hostile_value_in_any_field_keeps_no_other_record_back(system: str, value: object) -> None:
    made = SYSTEMS[system]
    for name in made.fields:
        check_good_one_comes(made, {name: value})


@pytest.mark.parametrize("system", SYSTEMS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(data=None)
@given(data=st.data())
def test_hostile_records_keep_no_other_record_back(system: str, data: Any) -> None:
    made = SYSTEMS[system]
    several = st.dictionaries(st.sampled_from(made.fields), hostile, max_size=4)
    check_good_one_comes(made, {} if data is None else data.draw(several, label="bad record"))


@pytest.mark.parametrize("name", ["", ".", "./", "/", "//", "a/.."])
def test_what_is_no_name_is_the_name_of_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnfitError):
        OldFolder.of(tmp_path).find(name)


@pytest.mark.parametrize("name", ["a\0.jpg", "\ud800.jpg", "x" * 300])
def test_what_can_be_no_file_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnfitError):
        OldFolder.of(tmp_path).find(name, "images")


@pytest.mark.parametrize("digits", [17, 18, 400, 5_000])
def test_milliseconds_beyond_all_time_are_no_moment(digits: int) -> None:
    assert moment({"t": {"$date": {"$numberLong": "9" * digits}}}, "t") is None


def test_an_id_that_is_cut_short_would_be_anothers() -> None:
    assert reference({"id": "x" * 100}, "id") == "x" * 100
    with pytest.raises(UnfitError):
        reference({"id": "x" * 101}, "id")


def test_what_steers_a_terminal_is_spelt_out() -> None:
    assert text({"a": "a\x1b[2J\0b\x9b\n\tc"}, "a") == "a\\x1b[2J\\x00b\\x9b\n\tc"


def test_a_mark_is_one_line_and_tells_all_records_apart() -> None:
    refs = ("1\n2", "1\\n2\n", "1 2", "1\r2", "1\u20282", "1\x1b2")
    marks = {former_name("allcare", ref) for ref in refs}
    assert len(marks) == len(refs)
    assert all(len(mark.splitlines()) == 1 for mark in marks)


def test_a_record_is_found_again_by_a_name_that_fits_and_is_its_own() -> None:
    assert former_name("allcare", "user001/a.jpg") == "allcare:user001/a.jpg"
    long = [former_name("allcare", f"{'x' * 300}{end}") for end in ("1", "2")]
    assert {len(name) for name in long} == {LONGEST_NAME}
    assert long[0] != long[1]
    same_end = [former_name("allcare", f"{start}{'x' * 300}") for start in ("1", "2")]
    assert same_end[0] != same_end[1]
