"""The ledger, the engine and the command of migrations, over a destination in memory and a fake API."""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.old_stores import HASH
from triagelens_client.account_models import MigratedUser
from triagelens_client.errors import ConnectionFailedError, InvalidRequestError
from triagelens_client.files import Source
from triagelens_client.migrate.deployment import TakenCase
from triagelens_client.migrate.engine import Migration
from triagelens_client.migrate.ledger import Ledger, LedgerError, Taken, written_whole
from triagelens_client.migrate.records import (
    Kind,
    OldCase,
    OldDataset,
    OldDrawing,
    OldImage,
    OldPatient,
    OldReport,
    OldUser,
    Store,
)
from triagelens_client.migrate.report import Report
from triagelens_client.migrate.roles import WrongRoleError, check_role

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))


@dataclass
class FakeDestination:
    """Gives each record an id of its own; raises what is in `failing` for its reference."""

    failing: dict[str, BaseException] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    cases: list[tuple[OldCase, tuple[str, ...]]] = field(default_factory=list)
    user_patients: dict[str, str] = field(default_factory=dict)
    report_patients: dict[str, str] = field(default_factory=dict)

    def _take(self, ref: str) -> str:
        if ref in self.failing:
            raise self.failing[ref]
        self.sent.append(ref)
        return f"id-{ref}"

    def users(self, users: Sequence[OldUser], patients: Mapping[str, str]) -> Sequence[MigratedUser]:
        self.user_patients.update(patients)
        names = [self._take(user.ref) and user.username for user in users]
        return [MigratedUser(username=name, verdict="taken") for name in names]

    def patient(self, patient: OldPatient) -> str:
        return self._take(patient.ref)

    def report(self, report: OldReport, source: Source, patient_id: str) -> str:
        self.report_patients[report.ref] = patient_id
        return self._take(report.ref)

    def image(self, image: OldImage, source: Source, patient_id: str | None) -> str:
        return self._take(image.ref)

    def judged(self, image_id: str) -> tuple[str, ...]:
        if image_id in self.failing:
            raise self.failing[image_id]
        return ()

    def case(
        self, case: OldCase, image_ids: Sequence[str], patient_id: str | None, known: str | None, note: Any
    ) -> TakenCase:
        self.cases.append((case, tuple(image_ids)))
        note(f"id-{case.ref}")
        return TakenCase(self._take(case.ref), 10_007, case.remarks)

    def dataset(self, dataset: OldDataset, known: str | None, note: Any) -> str:
        return self._take(dataset.ref)


def image(ref: str, data: bytes = JPEG, patient: str | None = None) -> OldImage:
    return OldImage(ref, "skin", lambda: data, patient=patient)


def case(ref: str, *images: str, **more: Any) -> OldCase:
    return OldCase(ref=ref, specialty="skin", images=images, notes="", **more)


def user(name: str, **more: Any) -> OldUser:
    return OldUser(**{"ref": name, "username": name, "role": "gp", "password_hash": HASH, **more})


def migrated(store: Store, to: FakeDestination, ledger: Ledger | None = None) -> Report:
    report = Report.begun(store, "https://api", dry_run=False)
    return Migration(store, to, ledger or Ledger(None), report).run()


def outcomes(report: Report) -> dict[str, str]:
    return {entry.ref: str(entry.outcome) for entry in report.entries}


REFUSED = InvalidRequestError(400, "invalid", "Bad", "It does not fit.")
BROKEN = ConnectionFailedError("No answer.")


def test_users_that_the_platform_would_refuse_are_told_apart() -> None:
    users = [
        user("ann"),
        user("no hash", password_hash=""),
        user("bob", password_hash="pbkdf2:sha256:600000$x$y"),
        user("two words"),
        user("carl", role="wizard"),
        user("again", username="ann"),
    ]
    to = FakeDestination()
    report = migrated(Store("x", users=users), to)
    reasons = {entry.ref: entry.remarks[0] for entry in report.entries if entry.remarks}
    assert reasons == {
        "ann": "comes as gp",
        "no hash": "the record is not one of a user with a password hash",
        "bob": "the password hash is not one of bcrypt",
        "two words": "the name may hold letters, digits, dots, dashes and underscores only",
        "carl": "the role is none of patient, gp, doctor, researcher, admin",
        "again": "the name came twice",
    }
    assert to.sent == ["ann"]
    assert not report.has_failed


def test_what_hangs_on_a_patient_waits_for_the_patient() -> None:
    store = Store(
        "x",
        patients=[OldPatient("p1", "1", "A", {}), OldPatient("p2", "2", "B", {})],
        users=[user("ann", role="patient", patient="p1"), user("bob", role="patient", patient="p2")],
        images=[image("i1", patient="p1"), image("i2", patient="p2"), image("i3", patient="gone")],
        cases=[case("c1", "i1", patient="p1"), case("c2", "i2", patient="p2")],
    )
    to = FakeDestination(failing={"p2": REFUSED})
    report = migrated(store, to)
    assert outcomes(report) == {
        "p1": "taken",
        "p2": "failed",
        "ann": "taken",
        "bob": "failed",
        "i1": "taken",
        "i2": "failed",
        "i3": "left_out",
        "c1": "taken",
        "c2": "failed",
    }
    assert to.user_patients == {"ann": "id-p1"}


def test_a_case_whose_images_are_partly_gone_comes_with_the_others_and_their_drawings() -> None:
    drawings = tuple(OldDrawing(place, "mel", {"strokes": [], "boxes": []}, False) for place in (0, 1, 2))
    store = Store("x", images=[image("a"), image("text", b"no image"), image("c")])
    store.cases = [case("c1", "a", "text", "c", drawings=drawings), case("c2", "text"), case("c3")]
    to = FakeDestination()
    report = migrated(store, to)
    ((whole, image_ids),) = to.cases
    assert image_ids == ("id-a", "id-c")
    assert [one.image_index for one in whole.drawings] == [0, 1]
    told = {entry.ref: entry for entry in report.entries}
    assert told["c1"].remarks == (
        "1 of its images did not come over",
        "1 annotations of images that did not come over were left out",
    )
    assert told["c2"].remarks == ("it has no image that could be taken over",)
    assert told["c3"].remarks == ("it has no image",)
    assert outcomes(report)["text"] == "left_out"
    assert not report.has_failed


def test_a_case_waits_for_an_image_that_may_still_come() -> None:
    store = Store("x", images=[image("a"), image("b")], cases=[case("c1", "a"), case("c2", "b")])
    to = FakeDestination(failing={"a": REFUSED, "id-b": REFUSED})
    report = migrated(store, to)
    assert to.cases == []
    assert outcomes(report) == {"a": "failed", "b": "failed", "c1": "failed", "c2": "failed"}


def test_a_case_has_no_more_images_than_one_may_have() -> None:
    names = [f"i{number}" for number in range(23)]
    store = Store("x", images=[image(name) for name in names], cases=[case("c", *names)])
    to = FakeDestination()
    report = migrated(store, to)
    assert len(to.cases[0][1]) == 20
    assert report.entries[-1].remarks == ("3 of its images did not come over",)


@pytest.mark.parametrize("error", [BROKEN, LedgerError("No space left on device."), KeyboardInterrupt()])
def test_where_nothing_more_would_come_of_it_the_run_stops_and_tells(error: BaseException) -> None:
    store = Store("x", images=[image("a"), image("b"), image("c")])
    to = FakeDestination(failing={"b": error})
    report = migrated(store, to)
    assert to.sent == ["a"]
    assert report.stopped in (str(error), "It was interrupted.")
    assert report.has_failed


def test_a_ledger_outlives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger.read(path).open("x", "https://api", "root") as ledger:
        ledger.note(Taken(key="image a", id="1", done=True, remarks=("blurred",)))
        ledger.note(Taken(key="image b", id="2", done=False))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with Ledger.read(path).open("x", "https://api", "root") as again:
            again.note(Taken(key="image c", id="3", done=True))
        kept = Ledger.read(path)
        lines = whole[:length].count(b"\n")
        assert set(kept.taken) == {"image c", *["image a", "image b"][: max(0, lines - 1)]}
    path.write_bytes(whole)
    assert Ledger.read(path).done("image b") is None
    done = Ledger.read(path).done("image a")
    assert done is not None
    assert done.remarks == ("blurred",)


@pytest.mark.parametrize(
    "other", [("y", "https://api", "root"), ("x", "https://b", "root"), ("x", "https://api", "eve")]
)
def test_a_ledger_of_another_migration_is_refused(tmp_path: Path, other: tuple[str, str, str]) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger.read(path).open("x", "https://api", "root").__exit__(None, None, None)
    with pytest.raises(LedgerError):
        Ledger.read(path).open(*other)


@pytest.mark.parametrize("content", [b"hello\n", b'{"key": "a"}\n', b'{"system": 1}\n\xff\n'])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        Ledger.read(path)
    assert path.read_bytes() == content


def test_a_ledger_that_cannot_be_written_stops_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        Ledger.read(tmp_path / "nowhere" / "ledger.jsonl").open("x", "https://api", "root")


def test_a_second_run_with_its_ledger_sends_nothing(tmp_path: Path) -> None:
    store = Store("x", images=[image("a"), image("b")], cases=[case("c", "a", "b")])
    path = tmp_path / "ledger.jsonl"
    for expected in (["a", "b", "c"], []):
        to = FakeDestination()
        with Ledger.read(path).open("x", "https://api", "root") as ledger:
            report = migrated(store, to, ledger)
        assert to.sent == expected
    assert set(outcomes(report).values()) == {"before"}
    assert {entry.new_id for entry in report.entries} == {"id-a", "id-b", "id-c"}
    assert report.entries[-1].number == 10_007, "cases have new numbers, which people say aloud"


def test_the_report_is_for_its_owner_and_counts_everything(tmp_path: Path) -> None:
    store = Store("x", images=[image("a"), image("b")])
    store.leave_out(Kind.LINE, "metadata.jsonl:3", "it is not JSON")
    report = migrated(store, FakeDestination(failing={"b": REFUSED}))
    path = tmp_path / "report.json"
    written_whole(path, report.document())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert told["counts"] == {
        "image": {"before": 0, "failed": 1, "left_out": 0, "taken": 1},
        "line": {"before": 0, "failed": 0, "left_out": 1, "taken": 0},
    }
    assert told["records"][0] == {
        "kind": "line",
        "ref": "metadata.jsonl:3",
        "outcome": "left_out",
        "id": None,
        "remarks": ["it is not JSON"],
    }
    with pytest.raises(LedgerError):
        written_whole(tmp_path / "nowhere" / "report.json", {})
    assert sorted(one.name for one in tmp_path.iterdir()) == ["report.json"]


@pytest.mark.parametrize(("role", "fits"), [("admin", True), ("doctor", False), ("researcher", False)])
def test_roles_are_asked_for_by_what_the_store_holds(role: str, fits: bool) -> None:
    store = Store("x", users=[user("ann")], cases=[case("c", "a")])
    if fits:
        check_role(role, store)
    else:
        with pytest.raises(WrongRoleError):
            check_role(role, store)
    check_role("patient", Store("x", images=[image("a")]))
