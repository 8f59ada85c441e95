"""What others have prepared in the place of what is to come over: nothing of an old store goes there."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from clinic_api.deps import training as training_deps
from tests import old_stores
from tests.fake_training_jobs import FakeJobQueue
from tests.integration.api.conftest import Api
from tests.integration.api.migrating import Run, kept, report_of, runner
from tests.integration.api.platform_door import Platform, client_on
from tests.old_stores import FORM, PATIENT, SCAN, case, write_csv, write_json
from tests.photos import photo
from tests.unit.client.fake_api import problem
from triagelens.domain.people import Role
from triagelens_client import Triagelens

SAID = "dr in SMITA 2025-05-07: See a surgeon."
COMMENT = {"smita_id": "SMITA-001", "comment": "See a surgeon.", "author": "dr", "date": "2025-05-07"}


@pytest.fixture
def admin(api: Api) -> dict[str, str]:
    return api.sign_up("root", Role.ADMIN)


@pytest.fixture
def run(admin: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(admin, tmp_path / "config", monkeypatch)


@pytest.fixture
def platform(api: Api) -> Platform:
    return Platform(api)


def person(api: Api, platform: Platform, role: Role) -> Triagelens:
    return client_on(platform, api.sign_up(f"the-{role}", role))


def a_case_of(someone: Triagelens, notes: str) -> str:
    created = someone.create_image(photo(seed=1), "oral")
    someone.upload_image(created, photo(seed=1))
    return someone.cases.create("oral", [created.image_id], notes=notes).case_id


def smita(root: Path) -> Path:
    folder = write_json(root / "smita", forms=[FORM], comments=[COMMENT])
    (folder / "images").mkdir()
    (folder / "images" / "SMITA-001.jpg").write_bytes(photo(seed=7))
    return folder


def brain(root: Path) -> Path:
    folder = write_csv(root / "brain", patients=[PATIENT], scans=[SCAN])
    (folder / "scans").mkdir()
    (folder / "scans" / "scan-0001.jpg").write_bytes(photo(seed=8))
    return folder


def test_a_strangers_case_that_bears_the_mark_gets_neither_form_nor_comments(
    run: Run, platform: Platform, api: Api, tmp_path: Path
) -> None:
    gp = person(api, platform, Role.GP)
    bait = a_case_of(gp, "[smita:SMITA-001]\nLooks like it.")
    result = run(platform, "smita", smita(tmp_path), "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    made = report_of(tmp_path / "report.json")["SMITA-001"]["id"]
    assert made != bait
    assert [one.case_id for one in gp.cases.all()] == [bait]
    assert list(gp.cases.comments(bait)) == []
    assert kept()["form"] == 1


def test_an_own_case_of_other_images_is_not_gone_on_with(
    run: Run, platform: Platform, admin: dict[str, str], tmp_path: Path
) -> None:
    own = a_case_of(client_on(platform, admin), "[smita:SMITA-001]")
    result = run(platform, "smita", smita(tmp_path))
    assert result.exit_code == 1
    assert "of other images" in result.stderr
    assert kept()["form"] == 0
    assert list(client_on(platform, admin).cases.comments(own)) == []


def test_a_patient_whom_somebody_else_made_gets_nobodys_scans(
    run: Run, platform: Platform, api: Api, tmp_path: Path
) -> None:
    gp = person(api, platform, Role.GP)
    theirs = gp.patients.create("Zoë Quux", number="P-2025-0007")
    result = run(platform, "braintumor", brain(tmp_path), "--report", tmp_path / "report.json")
    assert result.exit_code == 1
    outcomes = {ref: one["outcome"] for ref, one in report_of(tmp_path / "report.json").items()}
    assert set(outcomes.values()) == {"failed"}
    assert list(gp.patients.images(theirs.patient_id)) == []
    assert gp.patients.get(theirs.patient_id).username is None


def test_of_another_store_with_the_same_names_nothing_is_taken_for_what_is_there(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    reports = []
    for place, seed in (("here", 3), ("there", 4)):
        storage = old_stores.allcare(tmp_path / place, [case(10000, "a.jpg")], {"a.jpg": photo(seed=seed)})
        run(platform, "allcare", storage, "--report", tmp_path / f"{place}.json")
        reports.append(report_of(tmp_path / f"{place}.json"))
    image_ids = {report["user001/images/a.jpg"]["id"] for report in reports}
    assert len(image_ids) == kept()["image"] == 2
    assert [report["user001/10000"]["outcome"] for report in reports] == ["taken", "failed"]
    assert "of other images" in reports[1]["user001/10000"]["remarks"][0]


def test_what_others_said_of_a_case_meanwhile_is_not_taken_for_what_was_to_come(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        late = request.url.path.endswith("/form") and request.method == "PUT"
        return problem(500, "internal_error", "Something went wrong on our side.") if late else None

    platform.refuse = refuse
    folder = smita(tmp_path)
    assert run(platform, "smita", folder, "--report", tmp_path / "report.json").exit_code == 1
    case_id = report_of(tmp_path / "report.json")["SMITA-001"]["id"]
    platform.refuse = lambda request: None
    doctor = person(api, platform, Role.DOCTOR)
    doctor.cases.comment(case_id, SAID)
    doctor.cases.submit_form(case_id, {"consent": False})
    result = run(platform, "smita", folder, "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert [one.text for one in doctor.cases.comments(case_id)] == [SAID, SAID]
    assert report_of(tmp_path / "report.json")["SMITA-001"]["remarks"] == [
        "its form did not come over: another was submitted here"
    ]


def test_drawings_of_others_are_not_taken_for_those_that_were_to_come(
    run: Run, platform: Platform, api: Api, tmp_path: Path
) -> None:
    box = {"x": 5, "y": 5, "width": 20, "height": 20}
    drawn = {"case_id": 10000, "image_index": 0, "correct_label": "mel", "boxes": [box]}
    storage = old_stores.allcare(tmp_path, [case(10000, "a.jpg"), drawn], {"a.jpg": photo(seed=3)})

    def refuse(request: httpx.Request) -> httpx.Response | None:
        late = request.url.path.endswith("/annotations") and request.method == "POST"
        return problem(500, "internal_error", "Something went wrong on our side.") if late else None

    platform.refuse = refuse
    assert run(platform, "allcare", storage, "--report", tmp_path / "report.json").exit_code == 1
    case_id = report_of(tmp_path / "report.json")["user001/10000"]["id"]
    platform.refuse = lambda request: None
    doctor = person(api, platform, Role.DOCTOR)
    doctor.review.annotate(case_id, 0, {"boxes": [{**box, "x": 100}], "correct_label": "mel"})
    assert run(platform, "allcare", storage).exit_code == 0
    assert kept()["annotation"] == 2


def test_a_researchers_dataset_that_bears_the_mark_gets_none_of_the_files(
    run: Run, platform: Platform, api: Api, tmp_path: Path
) -> None:
    application: Any = api.client.app
    queue = FakeJobQueue()
    application.dependency_overrides[training_deps.job_queue] = lambda: queue
    folder = tmp_path / "server"
    for label in ("melanoma", "nevi"):
        (folder / "data" / "HAM" / label).mkdir(parents=True)
        (folder / "data" / "HAM" / label / "a.jpg").write_bytes(photo(seed=len(label)))
    own = run(platform, "dermascan", folder, "--report", tmp_path / "report.json")
    assert own.exit_code == 0, own.output
    (made,) = list(client_on(platform, api.sign_in("root")).datasets.all())
    researcher = person(api, platform, Role.RESEARCHER)
    bait = researcher.datasets.create(folder / "data" / "HAM", "HAM", "skin", source=made.source)
    (tmp_path / "server.migration.jsonl").unlink()
    assert run(platform, "dermascan", folder, "--report", tmp_path / "report.json").exit_code == 0
    assert report_of(tmp_path / "report.json")["HAM"]["id"] == made.dataset_id
    assert researcher.datasets.get(bait.dataset_id).status == "awaiting_upload"
    (folder / "data" / "HAM" / "nevi" / "b.jpg").write_bytes(photo(seed=9))
    (tmp_path / "server.migration.jsonl").unlink()
    assert run(platform, "dermascan", folder, "--report", tmp_path / "report.json").exit_code == 0
    assert report_of(tmp_path / "report.json")["HAM"]["id"] not in (made.dataset_id, bait.dataset_id)
