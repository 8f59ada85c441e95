"""AllCare's storage, taken over into the whole API; killed at every request, and run again."""

import itertools
import json
import os
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests import old_stores
from tests.integration.api.conftest import Api
from tests.integration.api.migrating import Run, kept, report_of, runner, without_history
from tests.integration.api.platform_door import Platform
from tests.killing import KilledError
from tests.old_stores import USER, WHOLE_CASE, case
from tests.photos import photo
from tests.unit.client.fake_api import problem
from triagelens.adapters.dynamodb.tables import UsersItem
from triagelens.domain.people import Role
from triagelens_client.migrate.deployment import Deployment


@pytest.fixture
def admin(api: Api) -> dict[str, str]:
    return api.sign_up("root", Role.ADMIN)


@pytest.fixture
def platform(api: Api) -> Platform:
    return Platform(api)


@pytest.fixture
def run(admin: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(admin, tmp_path / "config", monkeypatch)


def a_store(root: Path, owner: str = "user001") -> Path:
    images = {"a.jpg": photo(seed=3)}
    return old_stores.allcare(root, WHOLE_CASE, images, owner=owner, users={"user001": USER})


def test_a_storage_comes_over_whole(
    run: Run, platform: Platform, tmp_path: Path, api: Api, admin: dict[str, str]
) -> None:
    storage = a_store(tmp_path)
    result = run(platform, "allcare", storage, "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    records = report_of(tmp_path / "report.json")
    assert {one["outcome"] for one in records.values()} == {"taken"}
    case_id = records["user001/10000"]["id"]
    found = api.client.get(f"/v1/cases/{case_id}", headers=admin).json()
    assert (found["status"], found["final_diagnosis"]) == ("confirmed", "mel")
    assert found["number"] == records["user001/10000"]["number"]
    assert found["notes"].startswith("[allcare:user001/10000]\nAllCare's case 10000 of user001 2025-03-04.")
    assert "Found then: mel (80%)." in found["notes"]
    (image,) = found["images"]
    assert image["status"] == "analyzed"
    assert image["purpose"] == "training"
    assert image["on_device_prediction"]["label"] == "mel"
    assert image["original_filename"] == "allcare:user001/images/a.jpg"
    assert image["captured_at"] == "2025-03-04T10:30:00Z"
    (label,) = api.client.get(f"/v1/cases/{case_id}/labels", headers=admin).json()["items"]
    assert label["correct_label"] == "mel"
    assert label["notes"] == "Labelled in AllCare by dr. Clear."
    (drawn,) = api.client.get(f"/v1/cases/{case_id}/annotations", headers=admin).json()["items"]
    assert (drawn["shape_count"], drawn["correct_label"]) == (2, "mel")
    assert [item.body["username"] for item in UsersItem.scan() if item.kind == "migration"] == ["user001"]


def test_a_second_run_changes_nothing_with_its_ledger_or_without(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    storage = a_store(tmp_path)
    assert run(platform, "allcare", storage).exit_code == 0
    ledger = tmp_path / "storage.migration.jsonl"
    before, sent = kept(), len(platform.sent)
    assert before["case"] == before["image"] == before["label"] == before["annotation"] == 1
    again = run(platform, "allcare", storage, "--report", tmp_path / "again.json")
    assert again.exit_code == 0
    assert {one["outcome"] for one in report_of(tmp_path / "again.json").values()} == {"before"}
    assert platform.sent[sent:] == ["POST /api/v1/users/migrations"]
    ledger.unlink()
    assert run(platform, "allcare", storage).exit_code == 0
    after = kept()
    assert without_history(after) == without_history(before)
    assert "POST /api/v1/cases" not in platform.sent[sent:]


def test_a_dry_run_sends_nothing_and_keeps_nothing(run: Run, platform: Platform, tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} {request.url}")

    platform.refuse = refuse
    storage = a_store(tmp_path)
    (storage / "user001" / "images" / "b.jpg").write_bytes(b"no image")
    files = sorted(path.name for path in tmp_path.rglob("*"))
    result = run(platform, "allcare", storage, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "would be taken" in result.stdout
    assert "no line of metadata.jsonl names it" in result.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == files


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_request_and_run_again_nothing_is_made_twice_or_lost(
    run: Run, api: Api, tmp_path: Path, after: bool
) -> None:
    storage = a_store(tmp_path, "whole")
    whole = Platform(api)
    assert run(whole, "allcare", storage).exit_code == 0
    made = kept()
    for kill_at in itertools.count():
        root = tmp_path / f"{kill_at}"
        storage = a_store(root, f"user{kill_at}")
        before = kept()
        dying = Platform(api, kill_at, after)
        if kill_at == len(whole.sent):
            break
        with pytest.raises(KilledError):
            run(dying, "allcare", storage)
        ledger = root / "storage.migration.jsonl"
        if kill_at % 2 and ledger.exists():  # the last line is lost, or only a part of it
            lines = ledger.read_bytes().splitlines(keepends=True)
            ledger.write_bytes(b"".join(lines[:-1]) + lines[-1][: kill_at % 3 * 9])
        done = run(Platform(api), "allcare", storage, "--report", root / "report.json")
        assert done.exit_code == 0, done.output
        assert report_of(root / "report.json")[f"user{kill_at}/10000"]["id"]
        grown = kept() - before
        assert without_history(grown) == without_history(made), f"killed at {whole.sent[kill_at]}"
    assert kill_at > 6


def test_too_many_requests_are_waited_for(
    run: Run, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    patient = partial(Deployment, sleep=pauses.append)
    monkeypatch.setattr("triagelens_client.cli.migrate.Deployment", patient)
    turned_away = iter([True, True, False])

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and request.url.path.endswith("/cases") and next(turned_away, False):
            return problem(429, "throttled", "Slow down.", headers={"Retry-After": "7"})
        return None

    platform.refuse = refuse
    result = run(platform, "allcare", a_store(tmp_path))
    assert result.exit_code == 0, result.output
    assert pauses == [7.0, 7.0]


def test_one_record_that_fails_stops_no_other_and_comes_with_the_next_run(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    lines = [case(10000, "a.jpg"), case(10001, "b.jpg")]
    images = {"a.jpg": photo(seed=3), "b.jpg": photo(seed=4)}
    storage = old_stores.allcare(tmp_path, lines, images, users={"user001": USER})
    broken = iter([True])

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/cases") and request.method == "POST" and next(broken, False):
            return problem(500, "internal_error", "Something went wrong on our side.")
        return None

    platform.refuse = refuse
    result = run(platform, "allcare", storage, "--report", tmp_path / "report.json")
    assert result.exit_code == 1
    told = report_of(tmp_path / "report.json")
    assert [told[f"user001/{number}"]["outcome"] for number in (10000, 10001)] == ["failed", "taken"]
    assert kept()["case"] == 1
    assert run(platform, "allcare", storage).exit_code == 0
    assert kept()["case"] == 2


def test_who_may_not_is_told_before_anything_is_sent(
    run: Run, platform: Platform, tmp_path: Path, api: Api
) -> None:
    api.change("root", role="researcher")
    result = run(platform, "allcare", a_store(tmp_path))
    assert result.exit_code == 1
    assert "needs the role admin" in result.stderr
    assert platform.sent == []


def test_a_case_that_the_platform_doubts_meanwhile_is_decided_all_the_same(
    run: Run, platform: Platform, api: Api, admin: dict[str, str], tmp_path: Path
) -> None:
    doubted: list[str] = []

    def doubt(request: httpx.Request) -> None:
        """What `rank_cases` does of a case that the model is not sure of, just before it is confirmed."""
        path = request.url.path.removeprefix("/api")
        if path.endswith("/confirm") and not doubted:
            case_id = path.split("/")[3]
            version = api.client.get(f"/v1/cases/{case_id}", headers=admin).headers["ETag"]
            address, reason = f"/v1/cases/{case_id}/uncertain", {"reason": "The model is not sure."}
            answer = api.client.post(address, json=reason, headers={**admin, "If-Match": version})
            assert answer.status_code == 200, answer.text
            doubted.append(case_id)

    platform.refuse = doubt
    result = run(platform, "allcare", a_store(tmp_path))
    assert result.exit_code == 0, result.output
    found = api.client.get(f"/v1/cases/{doubted[0]}", headers=admin).json()
    assert (found["status"], found["final_diagnosis"]) == ("confirmed", "mel")


def test_words_that_are_no_characters_hold_nothing_up(run: Run, platform: Platform, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.jpg")
    broken = "half a pair: \ud800"
    lines = [
        case(10000, "a.jpg", name, notes=broken, correct_label=broken, case_status=broken, reason=broken)
    ]
    storage = old_stores.allcare(tmp_path, lines, {"a.jpg": photo(seed=3), name: b"x"})
    result = run(platform, "allcare", storage, "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert report_of(tmp_path / "report.json")["user001/10000"]["outcome"] == "taken"
    again = run(platform, "allcare", storage, "--report", tmp_path / "again.json")
    assert again.exit_code == 0
    assert report_of(tmp_path / "again.json")["user001/10000"]["outcome"] == "before"


def test_without_a_connection_the_run_stops_and_says_how_to_go_on(
    run: Run, platform: Platform, tmp_path: Path
) -> None:
    def refuse(request: httpx.Request) -> None:
        if request.url.path.endswith("/v1/cases") and request.method == "POST":
            raise httpx.ConnectError("gone", request=request)

    platform.refuse = refuse
    storage = a_store(tmp_path)
    result = run(platform, "allcare", storage, "--report", tmp_path / "report.json")
    assert result.exit_code == 1
    assert "Run the same command again to go on." in result.stderr
    assert "Traceback" not in result.output
    assert json.loads((tmp_path / "report.json").read_text())["stopped"].startswith("No answer from")
    platform.refuse = lambda request: None
    assert run(platform, "allcare", storage).exit_code == 0
    assert (kept()["case"], kept()["image"]) == (1, 1)
