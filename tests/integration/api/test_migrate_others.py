"""SMITA, the brain tumour system, DermaScan and the cataract app, taken over into the whole API."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from clinic_api.deps import training as training_deps
from tests import old_stores
from tests.fake_training_jobs import FakeJobQueue
from tests.integration.api.conftest import Api
from tests.integration.api.migrating import Run, kept, report_of, runner, without_history
from tests.integration.api.platform_door import Platform
from tests.killing import KilledError
from tests.old_stores import (
    PATIENT,
    PDF,
    REPORT,
    SCAN,
    SUBMISSION,
    cataract,
    write_csv,
)
from tests.photos import photo
from triagelens.adapters.dynamodb.tables import RegistryItem, UsersItem
from triagelens.domain.people import Role
from triagelens_client.migrate.ledger import Ledger


@pytest.fixture
def admin(api: Api) -> dict[str, str]:
    return api.sign_up("root", Role.ADMIN)


@pytest.fixture
def run(admin: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(admin, tmp_path / "config", monkeypatch)


@pytest.fixture
def platform(api: Api) -> Platform:
    return Platform(api)


def smita(root: Path, smita_id: str = "SMITA-001") -> Path:
    return old_stores.smita(root / "smita", photo(seed=7), smita_id)


def braintumor(root: Path) -> Path:
    folder = write_csv(root / "brain", patients=[PATIENT], scans=[SCAN], reports=[REPORT])
    for name, data in (("scans/scan-0001.jpg", photo(seed=8)), ("reports/REP 03.pdf", PDF)):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(data)
    return folder


def test_a_form_of_smita_comes_over_with_its_image_and_comments(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    result = run(platform, "smita", smita(tmp_path), "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    case_id = report_of(tmp_path / "report.json")["SMITA-001"]["id"]
    form = api.client.get(f"/v1/cases/{case_id}/form", headers=admin).json()["form"]
    assert (form["reference"], form["age"], form["tobacco"], form["consent"]) == (
        "SMITA-001",
        54,
        "current",
        True,
    )
    comments = api.client.get(f"/v1/cases/{case_id}/comments", headers=admin).json()["items"]
    assert [one["text"] for one in comments] == [
        "dr in SMITA 2025-05-07: Seen.",
        "dr in SMITA 2025-05-07: See a surgeon.",
    ]
    (image,) = api.client.get(f"/v1/cases/{case_id}", headers=admin).json()["images"]
    assert image["on_device_prediction"]["label"] == "Lesion"
    (migration,) = [item.body for item in UsersItem.scan() if item.kind == "migration"]
    assert (migration["username"], migration["role"]) == ("ann", "patient")


def test_a_form_of_smita_killed_at_any_request_is_neither_doubled_nor_lost(
    run: Run, api: Api, tmp_path: Path
) -> None:
    whole = Platform(api)
    assert run(whole, "smita", smita(tmp_path, "whole")).exit_code == 0
    made = kept()
    assert made["comment"] == 2
    for kill_at, after in itertools.product(range(1, len(whole.sent)), (False, True)):
        root = tmp_path / f"{kill_at}-{after}"
        folder = smita(root, f"S{kill_at}{after}")
        before = kept()
        with pytest.raises(KilledError):
            run(Platform(api, kill_at, after), "smita", folder)
        if after:
            (root / "smita.migration.jsonl").unlink()
        assert run(Platform(api), "smita", folder).exit_code == 0
        assert without_history(kept() - before) == without_history(made), f"{whole.sent[kill_at]} {after}"


def test_patients_come_over_with_their_scans_and_reports_and_can_come_to_their_records(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    folder = braintumor(tmp_path)
    result = run(platform, "braintumor", folder, "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    records = report_of(tmp_path / "report.json")
    patient_id = records["P-2025-0007"]["id"]
    patient = api.client.get(f"/v1/patients/{patient_id}", headers=admin).json()
    assert (patient["number"], patient["name"], patient["age"]) == ("P-2025-0007", "Zoë Quux", 41)
    (image,) = api.client.get(f"/v1/patients/{patient_id}/images", headers=admin).json()["items"]
    assert image["image_id"] == records["scan-0001"]["id"]
    assert image["on_device_prediction"]["probability"] == 0.975
    (report,) = api.client.get(f"/v1/patients/{patient_id}/reports", headers=admin).json()["items"]
    assert report["report_id"] == records["REP-2025-0003"]["id"]
    assert (report["audience"], report["created_at"]) == ("patient", "2025-03-07T14:02:00Z")
    assert report["former"]["counts"] == {"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4}
    (migration,) = [item.body for item in UsersItem.scan() if item.kind == "migration"]
    assert (migration["username"], migration["patient_id"]) == ("zoe.quux", patient_id)
    before, sent = kept(), len(platform.sent)
    (tmp_path / "brain.migration.jsonl").unlink()
    again = run(platform, "braintumor", folder, "--report", tmp_path / "report.json")
    assert again.exit_code == 0, again.output
    assert kept() == before
    assert "upload" not in platform.sent[sent:]
    assert report_of(tmp_path / "report.json")["zoe.quux"]["outcome"] == "before"


def test_patients_killed_at_any_request_are_neither_doubled_nor_lost(
    run: Run, api: Api, tmp_path: Path
) -> None:
    def store(root: Path, number: str) -> Path:
        patient = {**PATIENT, "patient_id": f"P-{number}", "username": f"zoe{number}"}
        scan, report = {**SCAN, "scan_id": f"s{number}"}, {**REPORT, "report_id": f"r{number}"}
        folder = write_csv(root / "brain", patients=[patient], scans=[scan], reports=[report])
        for name, data in ((f"scans/s{number}.jpg", photo(seed=8)), (f"reports/r{number}.pdf", PDF)):
            (folder / name).parent.mkdir()
            (folder / name).write_bytes(data)
        return folder

    whole = Platform(api)
    assert run(whole, "braintumor", store(tmp_path / "whole", "whole")).exit_code == 0
    made = kept()
    assert (made["patient"], made["image"], made["report"]) == (1, 1, 1)
    for kill_at, after in itertools.product(range(len(whole.sent)), (False, True)):
        root = tmp_path / f"{kill_at}-{after}"
        folder = store(root, f"{kill_at}{after}")
        before = kept()
        with pytest.raises(KilledError):
            run(Platform(api, kill_at, after), "braintumor", folder)
        if after:
            (root / "brain.migration.jsonl").unlink()
        assert run(Platform(api), "braintumor", folder).exit_code == 0
        assert kept() - before == made, f"{whole.sent[kill_at]} {after}"
        expected = [item.body["username"] for item in UsersItem.scan() if item.kind == "migration"]
        assert expected.count(f"zoe{kill_at}{after}") == 1


def test_who_cannot_bring_their_password_is_invited_once(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    other = {**PATIENT, "password_hash": "scrypt:32768:8:1$x$y"}
    folder = write_csv(tmp_path / "brain", patients=[other])
    for _ in range(2):
        result = run(platform, "braintumor", folder, "--invite", "--report", tmp_path / "report.json")
        assert result.exit_code == 0, result.output
        patient_id = report_of(tmp_path / "report.json")["P-2025-0007"]["id"]
        patient = api.client.get(f"/v1/patients/{patient_id}", headers=admin).json()
        assert patient["username"].startswith("patient-")
        (tmp_path / "brain.migration.jsonl").unlink()
    assert kept()["patient"] == 1
    assert [item for item in UsersItem.scan() if item.kind == "migration"] == []


def test_a_number_that_somebody_else_has_takes_nothing_from_them(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    body = {"name": "Somebody Else", "number": "p-2025-0007"}
    assert api.client.post("/v1/patients", json=body, headers=admin).status_code == 201
    result = run(platform, "braintumor", braintumor(tmp_path), "--report", tmp_path / "report.json")
    assert result.exit_code == 1
    records = report_of(tmp_path / "report.json")
    assert {ref: one["outcome"] for ref, one in records.items()} == {
        "P-2025-0007": "failed",
        "zoe.quux": "failed",
        "REP-2025-0003": "failed",
        "scan-0001": "failed",
    }
    assert kept()["image"] == kept()["report"] == 0


def test_who_comes_second_is_told_to_wait_and_sends_nothing(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    folder, path = braintumor(tmp_path), tmp_path / "brain.migration.jsonl"
    with Ledger.read(path).open("x", "https://api", "root"):
        second = run(platform, "braintumor", folder)
    assert second.exit_code == 1
    assert "another migration of this store is under way" in second.stderr
    assert platform.sent == []


def test_submissions_of_the_cataract_app_come_over_for_training_even_if_blurred(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    images = {
        "good.jpg": photo(seed=9),
        "blurred.jpg": photo(width=1600, height=1200, blur=12),
        "cut.jpg": photo(seed=2)[:9000],
        "text.jpg": b"no image at all",
    }
    names = [name.split(".")[0] for name in images]
    folder = cataract(tmp_path, dict.fromkeys(names, SUBMISSION), images)
    result = run(platform, "cataract", folder, "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    records = report_of(tmp_path / "report.json")
    told = {name: records[f"images/{name}.jpg"] for name in names}
    assert {name: one["outcome"] for name, one in told.items()} == {
        "good": "taken",
        "blurred": "taken",
        "cut": "left_out",
        "text": "left_out",
    }
    assert told["blurred"]["remarks"][0].startswith("kept, but not analysed: ")
    assert told["cut"]["remarks"][0].startswith("the platform could not take it: ")
    image = api.client.get(f"/v1/images/{told['good']['id']}", headers=admin).json()
    assert image["purpose"] == "training"
    assert image["device"] == {"platform": "android", "version": "13", "model": None}
    said = image["on_device_prediction"]
    assert (said["label"], said["class_index"], said["raw_output"]) == ("Normal", 0, 0.15)
    again = run(platform, "cataract", folder, "--report", tmp_path / "again.json")
    assert again.exit_code == 0
    outcomes = {one["outcome"] for one in report_of(tmp_path / "again.json").values()}
    assert outcomes == {"before", "left_out"}


def test_datasets_killed_at_any_request_become_one_each(run: Run, api: Api, tmp_path: Path) -> None:
    queue = FakeJobQueue()
    application: Any = api.client.app
    application.dependency_overrides[training_deps.job_queue] = lambda: queue

    def store(name: str) -> Path:
        folder = tmp_path / name
        for label in ("melanoma", "nevi"):
            (folder / "data" / name / label).mkdir(parents=True)
            (folder / "data" / name / label / "a.jpg").write_bytes(photo(seed=len(label)))
        return folder

    whole = Platform(api)
    assert run(whole, "dermascan", store("whole")).exit_code == 0
    names = ["whole"]
    for kill_at, after in itertools.product(range(len(whole.sent)), (False, True)):
        names.append(f"set{kill_at}{after}")
        folder = store(names[-1])
        with pytest.raises(KilledError):
            run(Platform(api, kill_at, after), "dermascan", folder)
        if after:
            (tmp_path / f"{names[-1]}.migration.jsonl").unlink()
        assert run(Platform(api), "dermascan", folder).exit_code == 0
    datasets = [item.body for item in RegistryItem.scan() if item.kind == "dataset"]
    assert sorted(dataset["name"] for dataset in datasets) == sorted(names)
    assert {dataset["status"] for dataset in datasets} == {"ingesting"}


def test_datasets_of_dermascan_become_one_each_however_often_they_are_sent(
    run: Run, platform: Platform, api: Api, tmp_path: Path
) -> None:
    folder = tmp_path / "server"
    for label in ("melanoma", "nevi"):
        (folder / "data" / "HAM" / label).mkdir(parents=True)
        (folder / "data" / "HAM" / label / "a.jpg").write_bytes(photo(seed=len(label)))
    without_training = run(platform, "dermascan", folder, "--report", tmp_path / "report.json")
    assert without_training.exit_code == 1
    assert "Training is not part of this deployment" in without_training.stderr
    dataset_id = report_of(tmp_path / "report.json")["HAM"]["id"]
    application: Any = api.client.app
    queue = FakeJobQueue()
    application.dependency_overrides[training_deps.job_queue] = lambda: queue
    assert run(platform, "dermascan", folder).exit_code == 0
    sent = len(platform.sent)
    (tmp_path / "server.migration.jsonl").unlink()
    assert run(platform, "dermascan", folder).exit_code == 0
    assert platform.sent[sent:] == []
    (dataset,) = [item.body for item in RegistryItem.scan() if item.kind == "dataset"]
    assert (dataset["dataset_id"], dataset["status"]) == (dataset_id, "ingesting")
    assert (dataset["name"], dataset["source"][:15], dataset["form"]) == ("HAM", "dermascan:HAM (", "files")
