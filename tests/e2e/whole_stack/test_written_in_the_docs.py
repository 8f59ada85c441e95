"""The commands of the README and of the documentation are carried out as they stand there, in their order.

What is not, and what is typed in another way, is in written/tables.py. The pages on training and on migrating
have files of their own.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.learning import out_of_service
from tests.e2e.whole_stack.stack import Person, Stack, until
from tests.e2e.whole_stack.written.reader import NAMED, Desk, Reader, fits, steps_of, steps_to_type
from tests.e2e.whole_stack.written.tables import NOT_RUN, TYPED_INSTEAD
from tests.onnx_models import classifier
from tests.photos import photo
from tests.unit.documentation.pages import Step
from triagelens_client import ModelImport
from triagelens_client.case_models import Case

PHOTOS, AT_ONCE = 9, 3
DRAWING = {"correct_label": "nv", "boxes": [{"x": 15, "y": 15, "width": 60, "height": 40}]}


def test_every_command_is_carried_out_or_the_table_says_why_not() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_written_*.py"))
    followed = set(re.findall(r'\.follow\("([\w-]+\.md)"\)', tests))
    assert followed == {page for page in NAMED if steps_to_type(page)}


def test_what_the_tables_name_is_written() -> None:
    for page, reasons in NOT_RUN.items():
        assert set(reasons) <= {step.command for step in steps_of(page)}
        assert all(reasons.values())
    for page, replaced in TYPED_INSTEAD.items():
        commands = "\n".join(step.command for step in steps_to_type(page))
        assert [written for written in replaced if written not in commands] == []


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("Case 7 is open.", "Case 12 is open."),
        ("made 2026-11-24 10:30", "made   2027-01-01 9:05"),
        ("01k9qp1v7n3d8r5t2w6y4m9x0c", "01jd3m4z8yv5q2w7k9x0abcdef"),
    ],
)
def test_ids_numbers_and_times_of_what_is_shown_are_free(shown: str, told: str) -> None:
    assert fits(shown, told)
    assert not fits(shown, told + " or not")
    assert not fits(shown, told[1:])


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Step("false | cat"), "false"),
        (Step("echo 'Case 7 is open.'", ("Case 9 is uncertain.",)), "does not print"),
        (Step("printf 'two\\none\\n'", ("one", "two")), "does not print"),
    ],
)
def test_a_command_that_fails_or_prints_something_else_is_found_out(
    step: Step, why: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=why):
        Reader(tmp_path, {"PATH": "/usr/bin:/bin"}).do(step)


@pytest.fixture(scope="module")
def photos(admin: Person) -> Iterator[str]:
    """Ids of analysed photos, each good for one case."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = list(pool.map(lambda seed: admin.send("skin", sharp(seed)), range(9_000, 9_000 + PHOTOS)))
    assert {image["status"] for image in sent} == {"analyzed"}
    return iter([image["image_id"] for image in sent])


@pytest.fixture
def reader(desk: Desk, admin: Person, tmp_path: Path) -> Reader:
    """An admin at a shell."""
    return desk.reader(tmp_path, admin)


def settled(person: Person, case_id: str) -> None:
    """The platform itself doubts such a photo: nobody's version is outdated by that any more."""

    def look() -> Case | None:
        return found if (found := person.client.cases.get(case_id)).status == "uncertain" else None

    until(look, f"{case_id} is opened for review")


def case_of(person: Person, image_id: str, readers: int | None = None) -> str:
    made = person.client.cases.create("skin", [image_id], readers=readers).case_id
    settled(person, made)
    return made


def test_audit(reader: Reader, plain: Stack, admin: Person) -> None:
    who = admin.client.users.named(admin.username).id
    reader.stands_for |= {"ID": who, "KEY": plain.outputs["AuditKeyId"]}
    told = reader.follow("audit.md")
    [of_actor] = [answer for command, answer in told.items() if "--actor ID" in command]
    assert reader.stands_for["ID"] in of_actor


def test_casework(reader: Reader, admin: Person, photos: Iterator[str]) -> None:
    reader.stands_for["IMAGE_ID"] = next(photos)
    reader.after["triagelens cases new"] = reader.learn("CASE_ID")
    decided: list[str] = []

    def another() -> None:
        decided.append(reader.stands_for["CASE_ID"])
        reader.stands_for["CASE_ID"] = case_of(admin, next(photos))

    reader.before["triagelens cases list"] = lambda: settled(admin, reader.stands_for["CASE_ID"])
    reader.before["triagelens cases reject"] = another
    reader.follow("casework.md")
    first, second = (admin.client.cases.get(one) for one in (*decided, reader.stands_for["CASE_ID"]))
    assert (first.status, first.final_diagnosis) == ("confirmed", "Melanocytic naevus")
    assert (second.status, [said.text for said in admin.client.cases.comments(first.case_id)]) == (
        "rejected",
        ["Compare with last year"],
    )


def test_explanations(reader: Reader, photos: Iterator[str]) -> None:
    reader.stands_for["IMAGE_ID"] = next(photos)
    reader.follow("explanations.md")
    assert len(list(reader.folder.glob("why*"))) > 0


def test_models(reader: Reader, admin: Person, colleague: Person) -> None:
    classifier(version="1.0.0").write(reader.folder)

    def brought() -> ModelImport:
        files = classifier(version="2.0.0", seed=2).write(reader.folder / "newer")
        return colleague.client.models.import_model(*files)

    reader.before["triagelens models show skin 2.0.0"] = brought
    told = reader.follow("models.md")
    assert "1.0.0" in told["triagelens models list"]
    cards = {card.version: card for card in admin.client.models.all("skin")}
    assert (cards["1.0.0"].production, cards["2.0.0"].status) == (True, "retired")
    out_of_service(admin, "skin")


def test_operations(reader: Reader, photos: Iterator[str]) -> None:
    reader.stands_for["IMAGE_ID"] = next(photos)
    reader.after["aws logs describe"] = reader.learn("GROUP", r'"([^"]*checkquality[^"]*)"')
    told = reader.follow("operations.md")
    [found] = [answer for command, answer in told.items() if "filter-log-events" in command]
    lines = [event["message"] for event in json.loads(found)["events"]]  # the laptop cloud gives others, too
    assert [line for line in lines if reader.stands_for["IMAGE_ID"] in line]


def test_patients(reader: Reader, plain: Stack, admin: Person) -> None:
    reader.stands_for["ada@example.org"] = f"{admin.username}-patient@example.org"
    reader.after = {
        "triagelens patients new": reader.learn("PATIENT_ID"),
        "triagelens patients erase ": reader.learn("ERASURE_ID"),
    }
    reader.answers = "y\n"
    told = reader.follow("patients.md")
    assert "Ada Lovelace" in told["triagelens patients show PATIENT_ID"]
    erasure = reader.stands_for["ERASURE_ID"]
    assert erasure in told["triagelens patients erasures ERASURE_ID"]
    until(lambda: admin.client.patients.erasure(erasure).status == "done", "the patient is erased")
    # Nobody waits for the second look, a quarter of an hour later.
    plain.aws("sqs").purge_queue(QueueUrl=plain.outputs["ErasureQueueUrl"])


def test_reports(reader: Reader, admin: Person, photos: Iterator[str]) -> None:
    patient = admin.client.patients.create("Ada Lovelace").patient_id
    reader.stands_for |= {"CASE_ID": case_of(admin, next(photos)), "PATIENT_ID": patient}
    reader.after["triagelens reports request --case"] = reader.learn("REPORT_ID")
    told = reader.follow("reports.md")
    assert reader.stands_for["REPORT_ID"] in told["triagelens reports list --case CASE_ID"]
    assert (reader.folder / "case.pdf").read_bytes().startswith(b"%PDF")


def test_review(
    reader: Reader, plain: Stack, admin: Person, colleague: Person, photos: Iterator[str]
) -> None:
    doctor = plain.grant(plain.person("doctor"), "doctor")
    read, untouched, disputed = (case_of(admin, next(photos), readers) for readers in (None, None, 2))
    for person, label in ((colleague, "nv"), (doctor, "mel")):
        person.client.cases.label(disputed, label)
    (reader.folder / "drawing.json").write_text(json.dumps(DRAWING))
    reader.stands_for |= {
        "CASE_ID": read,
        "readers CASE_ID": f"readers {untouched}",
        "adjudicate CASE_ID": f"adjudicate {disputed}",
    }
    told = reader.follow("review.md")
    assert untouched in told["triagelens review next skin --strategy diverse --top 10"]
    assert len(told["triagelens review import CASE_ID annotations.json"].split()) == 1
    panel = admin.ask("GET", f"/v1/cases/{disputed}").json()["reading"]
    assert panel["state"] == "adjudicated"


def test_webhooks(reader: Reader, admin: Person) -> None:
    told = reader.follow("webhooks.md")
    assert len(told) == 1
    (made,) = [hook for hook in admin.client.webhooks.all() if hook.url.startswith("https://hooks.clinic.")]
    admin.client.webhooks.delete(made.webhook_id)


def test_readme(desk: Desk, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"photo-{number}.jpg").write_bytes(photo(seed=number))
    classifier(specialty="oral", labels=("normal", "lesion"), version="readme-1").write(tmp_path)
    told = desk.reader(tmp_path).follow("README.md")
    assert "readme-1" in told["triagelens models list"]
