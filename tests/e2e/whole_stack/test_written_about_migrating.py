"""The commands of the page on migrating are carried out, on small stores of the five former systems.

Each is tried before, with `--dry-run`, and given again afterwards, which takes nothing twice.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import old_stores
from tests.e2e.whole_stack.learning import ingest
from tests.e2e.whole_stack.stack import Person, Stack
from tests.e2e.whole_stack.written import stores
from tests.e2e.whole_stack.written.reader import Desk, Reader
from tests.old_stores import FERNET_KEY, PASSWORD
from training_job.phantoms import photograph

Records = dict[str, dict[str, Any]]
ALLCARE = "triagelens migrate allcare backserver/storage/"


@dataclass(frozen=True)
class Platform:
    """The deployment after a migration, as an admin and its operator see it."""

    stack: Stack
    admin: Person

    def told(self, path: str) -> Any:
        answer = self.admin.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def expected(self, username: str) -> dict[str, Any]:
        """Who may come with a former password, which the deployed function takes as Cognito asks it to."""
        [name] = [
            function["FunctionName"]
            for page in self.stack.aws("lambda").get_paginator("list_functions").paginate()
            for function in page["Functions"]
            if "migrateuser" in function["FunctionName"].lower()
        ]
        event = {
            "triggerSource": "UserMigration_Authentication",
            "userName": username,
            "request": {"password": PASSWORD},
            "response": {},
        }
        answer = self.stack.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        said: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, said
        attributes: dict[str, Any] = said["response"]["userAttributes"]
        return attributes


def allcare_is_there(owner: str, platform: Platform, records: Records) -> None:
    found = platform.told(f"/v1/cases/{records[f'{owner}/10000']['id']}")
    assert (found["status"], found["final_diagnosis"]) == ("confirmed", "mel")
    assert found["number"] == records[f"{owner}/10000"]["number"]
    [image] = found["images"]
    assert (image["status"], image["on_device_prediction"]["label"]) == ("analyzed", "mel")
    [label] = platform.told(f"/v1/cases/{found['case_id']}/labels")["items"]
    assert (label["correct_label"], label["notes"]) == ("mel", "Labelled in AllCare by dr. Clear.")
    [drawn] = platform.told(f"/v1/cases/{found['case_id']}/annotations")["items"]
    assert drawn["shape_count"] == 2
    other = platform.told(f"/v1/cases/{records[f'{owner}/10001']['id']}")
    assert other["images"][0]["status"] == "analyzed"
    assert platform.expected(owner)["name"] == "Jane Roe"


def cataract_is_there(platform: Platform, records: Records) -> None:
    images = [platform.told(f"/v1/images/{one['id']}") for one in records.values()]
    assert [(image["specialty"], image["status"]) for image in images] == [("eye", "analyzed")] * 2
    assert {image["on_device_prediction"]["label"] for image in images} == {"Normal"}


def braintumor_is_there(platform: Platform, records: Records) -> None:
    patient = platform.told(f"/v1/patients/{records['P-2025-0007']['id']}")
    assert (patient["number"], patient["name"]) == ("P-2025-0007", "Zoë Quux")
    [image] = platform.told(f"/v1/patients/{patient['patient_id']}/images")["items"]
    assert (image["image_id"], image["status"]) == (records["scan-0001"]["id"], "analyzed")
    [report] = platform.told(f"/v1/patients/{patient['patient_id']}/reports")["items"]
    assert (report["report_id"], report["status"]) == (records["REP-2025-0003"]["id"], "ready")
    assert platform.expected("zoe.quux")["name"] == "Zoë Quux"


def smita_is_there(smita_id: str, username: str, platform: Platform, records: Records) -> None:
    found = platform.told(f"/v1/cases/{records[smita_id]['id']}")
    assert [image["status"] for image in found["images"]] == ["analyzed"]
    assert platform.told(f"/v1/cases/{found['case_id']}/form")["form"]["reference"] == smita_id
    assert len(platform.told(f"/v1/cases/{found['case_id']}/comments")["items"]) == 2
    assert platform.expected(username)


def dermascan_is_there(name: str, specialty: str, platform: Platform, records: Records) -> None:
    dataset = platform.told(f"/v1/datasets/{records[name]['id']}")
    ingest(platform.stack.cloud, dataset["job_id"])
    ready = platform.told(f"/v1/datasets/{dataset['dataset_id']}")
    assert (ready["status"], ready["specialty"]) == ("ready", specialty)
    assert sum(sum(sets.values()) for sets in ready["counts"].values()) == 2 * stores.OF_EACH_CLASS


@dataclass(frozen=True)
class Former:
    """A store that a command of the page takes over, and how to see that it came."""

    command: str
    make: Callable[[Path], object]
    is_there: Callable[[Platform, Records], None]


def an_allcare(options: str, owner: str, seed: int, key: str | None = None) -> Former:
    make = partial(stores.allcare, owner=owner, seed=seed, key=key)
    return Former(f"{ALLCARE} {options}", make, partial(allcare_is_there, owner))


def a_smita(options: str, smita_id: str, username: str, seed: int) -> Former:
    def make(folder: Path) -> None:
        image = photograph("oral", "lesion", seed, stores.PHOTO)
        old_stores.smita(folder / "export", image, smita_id, username)

    is_there = partial(smita_is_there, smita_id, username)
    return Former(f"triagelens migrate smita export/{options}", make, is_there)


def a_dermascan(options: str, name: str, specialty: str, labels: dict[str, str]) -> Former:
    make, is_there = partial(stores.dermascan, name=name, labels=labels), partial(dermascan_is_there, name)
    return Former(f"triagelens migrate dermascan server/{options}", make, partial(is_there, specialty))


FORMER = (
    an_allcare("--report done.json", "allcare1", 1),
    an_allcare("--users backserver/users.json", "allcare2", 11),
    an_allcare("--key-file allcare-key.txt", "allcare3", 21, FERNET_KEY),
    Former("triagelens migrate cataract training_data/", stores.cataract, cataract_is_there),
    Former("triagelens migrate braintumor export/", stores.braintumor, braintumor_is_there),
    a_smita("", "SMITA-001", "ann", 1),
    a_smita(" --role gp", "SMITA-002", "ben", 2),
    a_dermascan("", "Moles", "skin", {"melanoma": "mel", "nevus": "nv"}),
    a_dermascan(" --specialty retina --new-specialty", "Eyes", "retina", {"drusen": "mel", "none": "nv"}),
)


@pytest.fixture
def reader(desk: Desk, admin: Person, tmp_path: Path) -> Reader:
    """Somebody who will sign in as the page says."""
    reader = desk.reader(tmp_path)
    reader.stands_for["root"] = admin.username
    return reader


def test_migrating(reader: Reader, plain: Stack, admin: Person, tmp_path: Path) -> None:
    platform = Platform(plain, admin)

    def arrive(former: Former) -> None:
        """At a machine that has such a store, which is tried first."""
        reader.folder = tmp_path / f"machine-{FORMER.index(former)}"
        reader.folder.mkdir()
        former.make(reader.folder)
        reader.type(f"{former.command} --dry-run --report tried.json")
        tried = records_of(reader.folder / "tried.json")
        assert {one["outcome"] for one in tried.values()} == {"taken"}
        assert {one["id"] for one in tried.values()} == {None}

    def look(former: Former, _: str) -> None:
        reader.type(f"{former.command} --report again.json")
        tried, again = (records_of(reader.folder / name) for name in ("tried.json", "again.json"))
        assert again.keys() == tried.keys()
        assert {one["outcome"] for one in again.values()} == {"before"}
        former.is_there(platform, again)

    reader.before = {former.command: partial(arrive, former) for former in FORMER}
    reader.after = {former.command: partial(look, former) for former in FORMER}
    reader.before[f"{ALLCARE} --dry-run"] = lambda: FORMER[0].make(reader.folder)
    told = reader.follow("migrating.md")
    assert {former.command for former in FORMER} <= told.keys()
    plan, done = (records_of(path) for path in (tmp_path / "plan.json", tmp_path / "machine-0" / "done.json"))
    assert (
        plan.keys()
        == done.keys()
        == {
            "allcare1",
            *(f"allcare1/{case}" for case in (10000, 10001)),
            *(f"allcare1/images/{name}.jpg" for name in "ab"),
        }
    )
    assert {one["outcome"] for one in done.values()} == {"taken"}


def records_of(path: Path) -> Records:
    """What became of each record, by its reference."""
    found = json.loads(path.read_text("utf-8"))
    assert found["stopped"] is None
    return {one["ref"]: one for one in found["records"] if one["kind"] != "model"}  # all are left out
