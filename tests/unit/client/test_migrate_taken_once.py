"""What a ledger says was taken over, and what of that holds for the store at hand."""

from pathlib import Path

import pytest

from tests.unit.client.test_migrate_engine import FakeDestination, case, image, migrated, outcomes, user
from triagelens_client.migrate.ledger import Ledger
from triagelens_client.migrate.records import OldPatient, Store, UnfitError, mark_of
from triagelens_client.migrate.report import Report

NO_IMAGE = UnfitError("the platform could not take it: it is no image")


def run(path: Path, store: Store, to: FakeDestination) -> Report:
    with Ledger.read(path).open("x", "https://api", "root") as ledger:
        return migrated(store, to, ledger)


def test_an_image_that_the_platform_refused_makes_no_case_in_any_run(tmp_path: Path) -> None:
    store = Store("x", images=[image("a"), image("b")], cases=[case("c1", "a"), case("c2", "a", "b")])
    to = FakeDestination(failing={"id-a": NO_IMAGE})
    first = run(tmp_path / "ledger.jsonl", store, to)
    assert outcomes(first) == {"a": "left_out", "b": "taken", "c1": "left_out", "c2": "taken"}
    assert [image_ids for _, image_ids in to.cases] == [("id-b",)]
    told = {entry.ref: entry.remarks for entry in first.entries}
    assert told["c1"] == ("it has no image that could be taken over",)
    assert told["c2"] == ("1 of its images did not come over",)
    again = FakeDestination(failing={"id-a": NO_IMAGE})
    second = run(tmp_path / "ledger.jsonl", store, again)
    assert again.sent == []
    assert outcomes(second) == {"a": "left_out", "b": "before", "c1": "left_out", "c2": "before"}
    assert {entry.ref: entry.remarks for entry in second.entries}["a"] == (str(NO_IMAGE),)


def test_what_another_stores_ledger_says_is_taken_for_nothing_of_this_one(tmp_path: Path) -> None:
    def store(name: str) -> Store:
        scans = [image("scan-1", patient="1"), image("scan-2")]
        patients = [OldPatient("1", "1", name, {})]
        return Store("x", patients=patients, images=scans, users=[user("u", patient="1", role="patient")])

    assert not run(tmp_path / "ledger.jsonl", store("Ann"), FakeDestination()).has_failed
    to = FakeDestination()
    other = store("Bob")
    other.images.append(image("scan-3", patient="1"))
    report = run(tmp_path / "ledger.jsonl", other, to)
    assert to.sent == []
    assert outcomes(report) == {
        "1": "failed",
        "u": "failed",
        "scan-1": "before",
        "scan-2": "before",
        "scan-3": "failed",
    }


def test_a_case_gets_no_image_that_only_the_ledger_knows(tmp_path: Path) -> None:
    run(tmp_path / "ledger.jsonl", Store("x", images=[image("a")]), FakeDestination())
    to = FakeDestination()
    report = run(tmp_path / "ledger.jsonl", Store("x", images=[image("b")], cases=[case("c", "a", "b")]), to)
    assert [image_ids for _, image_ids in to.cases] == [("id-b",)]
    assert report.entries[-1].remarks == ("1 of its images did not come over",)


def test_a_case_that_changed_since_is_told_and_not_taken_for_the_same(tmp_path: Path) -> None:
    before = Store("x", images=[image("a")], cases=[case("c", "a", comments=("Seen.",))])
    run(tmp_path / "ledger.jsonl", before, FakeDestination())
    after = Store("x", images=[image("a")], cases=[case("c", "a", comments=("Seen.", "Seen again."))])
    to = FakeDestination()
    assert outcomes(run(tmp_path / "ledger.jsonl", after, to)) == {"a": "before", "c": "failed"}
    assert to.sent == []


@pytest.mark.parametrize(
    "same", [OldPatient("1", "1", "Ann", {}, invite=True), OldPatient("1", "1", "Ann", {}, remarks=("x",))]
)
def test_what_is_said_of_a_record_makes_it_no_other_one(same: OldPatient) -> None:
    known = OldPatient("1", "1", "Ann", {})
    assert mark_of(same) == mark_of(known) != mark_of(OldPatient("1", "1", "Ann", {"age": 3}))
    assert mark_of(image("a")) == mark_of(image("a", b"other")) != mark_of(image("a", patient="1"))


def test_everybody_who_comes_as_more_than_a_patient_is_named() -> None:
    roles = {"ann": "patient", "bob": "gp", "carl": "admin"}
    users = [user(name, role=role) for name, role in roles.items()]
    report = migrated(Store("x", users=users), FakeDestination())
    assert {entry.ref: entry.remarks for entry in report.entries} == {
        "ann": (),
        "bob": ("comes as gp",),
        "carl": ("comes as admin",),
    }
    assert report.admins == ["carl"]
