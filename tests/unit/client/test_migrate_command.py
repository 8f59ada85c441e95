"""`triagelens migrate` without a deployment: what it reads, says and refuses before anything is sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests import old_stores
from tests.old_stores import FERNET_KEY, FORM, PATIENT, SCAN, SUBMISSION, USER, case, write_csv, write_json
from triagelens_client.cli import app

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command where nobody has ever signed in, and no API is known."""

    def run(*arguments: object, **environment: str) -> Result:
        known = {"TRIAGELENS_CONFIG_DIR": str(tmp_path / "config"), "COLUMNS": "200"}
        unknown = {"TRIAGELENS_API_URL": None, "DATA_ENCRYPTION_KEY": None}
        return CliRunner().invoke(
            app, ["migrate", *map(str, arguments)], env={**unknown, **known, **environment}
        )

    return run


def stores(root: Path) -> dict[str, Path]:
    """A small store of each system."""
    users = {"user001": USER, "user002": {**USER, "password_hash": "plain"}}
    made = {
        "allcare": old_stores.allcare(root / "a", [case(1, "a.jpg"), "{"], {"a.jpg": JPEG}, users=users),
        "cataract": old_stores.cataract(root / "c", {"s1": SUBMISSION}, {"s1.jpg": JPEG}),
        "braintumor": write_csv(root / "b", patients=[PATIENT]),
        "smita": write_json(root / "s", users=[{"username": "ann"}], forms=[FORM]),
        "dermascan": root / "d",
    }
    for label in ("mel", "nv"):
        folder = root / "d" / "data" / "HAM" / label
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(JPEG)
    return made


@pytest.mark.parametrize("system", ["allcare", "cataract", "braintumor", "smita", "dermascan"])
def test_each_store_can_be_tried_without_a_deployment(run: Run, tmp_path: Path, system: str) -> None:
    store = stores(tmp_path)[system]
    before = sorted(tmp_path.rglob("*"))
    result = run(system, store, "--dry-run", "--report", tmp_path / "plan.json")
    assert result.exit_code == 0, result.output
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert (plan["system"], plan["api"], plan["dry_run"]) == (system, None, True)
    assert any(one["outcome"] == "taken" for one in plan["records"]) or system == "smita"
    assert all(one["id"] is None for one in plan["records"])
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "plan.json"])


def test_the_plan_says_what_cannot_come_and_repeats_no_hash(run: Run, tmp_path: Path) -> None:
    result = run("allcare", stores(tmp_path)["allcare"], "--dry-run", "--report", tmp_path / "plan.json")
    told = {one["ref"]: one for one in json.loads((tmp_path / "plan.json").read_text())["records"]}
    assert told["user002"]["remarks"] == ["the password hash is not one of bcrypt"]
    assert told["user001/metadata.jsonl:2"]["remarks"] == ["it is not JSON"]
    assert "1 x the password hash is not one of bcrypt" in result.stderr
    assert old_stores.HASH not in result.output + (tmp_path / "plan.json").read_text()


def test_the_plan_names_who_becomes_an_admin(run: Run, tmp_path: Path) -> None:
    roles = {"mallory": "admin", "ann": "patient", "bob": "doctor"}
    users = {name: {**USER, "role": role} for name, role in roles.items()}
    hashes = [{"username": name, "password": old_stores.HASH} for name in roles]
    stores = {
        "allcare": old_stores.allcare(tmp_path, [case(1, "a.jpg")], {"a.jpg": JPEG}, users=users),
        "smita": write_json(tmp_path / "s", users=[{**hashes[0], "is_admin": True}, *hashes[1:]]),
    }
    for system, store in stores.items():
        result = run(system, store, "--dry-run", "--report", tmp_path / "plan.json")
        told = {one["ref"]: one for one in json.loads((tmp_path / "plan.json").read_text())["records"]}
        assert told["mallory"]["remarks"] == ["comes as admin"]
        assert told["ann"]["remarks"] == []
        assert "As admins: mallory\n" in result.stderr
        assert told["bob"]["remarks"] == (["comes as doctor"] if system == "allcare" else [])


def test_the_column_by_which_scans_name_patients_can_be_said(run: Run, tmp_path: Path) -> None:
    patients = [{**PATIENT, "id": 1, "patient_id": 2}, {**PATIENT, "id": 2, "patient_id": 1, "username": "b"}]
    store = write_csv(tmp_path / "b", patients=patients, scans=[{**SCAN, "patient_id": 2}])
    (store / "scans").mkdir()
    (store / "scans" / "scan-0001.png").write_bytes(JPEG)
    assert "may mean two patients" in run("braintumor", store, "--dry-run").stderr
    assert "two patients" not in run("braintumor", store, "--dry-run", "--patient-key", "id").output


def test_without_a_dry_run_it_has_to_be_known_where_to(run: Run, tmp_path: Path) -> None:
    result = run("cataract", stores(tmp_path)["cataract"])
    assert (result.exit_code, "Which API?" in result.stderr) == (1, True)


def test_the_key_comes_from_a_file_or_the_environment_and_is_never_shown(run: Run, tmp_path: Path) -> None:
    storage = old_stores.allcare(tmp_path, [case(1, "a.bin")], {"a.bin": JPEG}, key=FERNET_KEY)
    key_file = tmp_path / "key.txt"
    key_file.write_text(f"{FERNET_KEY}\n")
    opened = run("allcare", storage, "--dry-run", "--key-file", key_file)
    by_environment = run("allcare", storage, "--dry-run", DATA_ENCRYPTION_KEY=FERNET_KEY)
    assert opened.exit_code == by_environment.exit_code == 0
    assert opened.stdout == by_environment.stdout
    assert "cases" in opened.stdout
    closed = run("allcare", storage, "--dry-run")
    assert "it is encrypted, and no key was given" in closed.stderr
    wrong = run("allcare", storage, "--dry-run", DATA_ENCRYPTION_KEY="nonsense!")
    assert (wrong.exit_code, "nonsense" in wrong.output) == (1, False)
    for result in (opened, by_environment, closed):
        assert FERNET_KEY not in result.output
    assert run("allcare", storage, "--key", FERNET_KEY).exit_code == 2


@pytest.mark.parametrize("system", ["allcare", "cataract", "braintumor", "smita", "dermascan"])
def test_a_folder_that_holds_something_else_is_refused_in_a_sentence(
    run: Run, tmp_path: Path, system: str
) -> None:
    (tmp_path / "empty").mkdir()
    result = run(system, tmp_path / "empty", "--dry-run")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output


def test_what_the_records_say_is_never_taken_for_markup(run: Run, tmp_path: Path) -> None:
    label = "[red]melanoma[/nothing]"
    storage = old_stores.allcare(tmp_path, [case(1, "a.jpg", correct_label=label)], {"a.jpg": JPEG})
    result = run("allcare", storage, "--dry-run")
    assert result.exit_code == 0, result.output
    assert label in result.stderr


def test_a_ledger_of_something_else_is_refused(run: Run, tmp_path: Path) -> None:
    store = stores(tmp_path)["cataract"]
    store.with_name("training_data.migration.jsonl").write_text("hello\n")
    result = run("cataract", store, "--dry-run")
    assert (result.exit_code, "is not a migration's ledger" in result.stderr) == (1, True)
    assert run("cataract", store, "--dry-run", "--ledger", tmp_path / "other.jsonl").exit_code == 0
