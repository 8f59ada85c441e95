"""Datasets over HTTP: who may bring them, how they come, and when they are ingested."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.deps import datasets as deps
from tests.fake_datasets import FakeDatasetRecords, FakeDatasetUploads
from tests.unit.api.conftest import Fakes
from triagelens.domain.datasets import PART_BYTES, Dataset, DatasetStatus, Ingested
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role
from triagelens.domain.training_jobs import JobFailure, JobKind, JobStatus

Told = tuple[int, dict[str, Any]]
GB = 10**9


class Lab:
    """A researcher and what stands behind the routes."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.records, self.uploads = FakeDatasetRecords(), FakeDatasetUploads()
        assert isinstance(client.app, FastAPI)
        client.app.dependency_overrides |= {
            deps.dataset_records: lambda: self.records,
            deps.dataset_uploads: lambda: self.uploads,
        }
        self.researcher = fakes.person("rita", Role.RESEARCHER)

    def ask(self, method: str, path: str, **body: Any) -> Told:
        sent = {"json": body} if body else {}
        answer = self.client.request(method, f"/v1/datasets{path}", headers=self.researcher, **sent)
        return answer.status_code, answer.json()

    def create(self, **body: Any) -> Told:
        given = {"name": "HAM", "specialty": "skin", "form": "archive", "size_bytes": 1000, **body}
        return self.ask("POST", "", **{name: value for name, value in given.items() if value is not None})

    def created(self, **body: Any) -> str:
        status, told = self.create(**body)
        assert status == 201, told
        dataset_id: str = told["dataset_id"]
        return dataset_id

    def in_parts(self, parts: int = 3) -> str:
        """A dataset in so many parts, the last of one byte."""
        return self.created(form="multipart", size_bytes=(parts - 1) * PART_BYTES + 1)

    def send_parts(self, dataset_id: str, *numbers: int) -> None:
        dataset = self.stored(dataset_id)
        assert dataset.multipart is not None
        sent = self.uploads.open[dataset.multipart.s3_upload_id]
        sent |= {number: dataset.part_size(number) for number in numbers}

    def stored(self, dataset_id: str) -> Dataset:
        return self.records.dataset(dataset_id)

    def arrive(self, dataset_id: str) -> None:
        self.uploads.objects[self.stored(dataset_id).archive_key] = 1000

    @property
    def jobs(self) -> list[Any]:
        return list(self.fakes.jobs.records.values())


@pytest.fixture
def lab(client: TestClient, fakes: Fakes) -> Lab:
    return Lab(client, fakes)


def test_an_archive_gets_a_form_for_exactly_its_size(lab: Lab) -> None:
    status, told = lab.create(licence="CC0-1.0", source="a clinic", group_column="lesion_id")
    assert (status, told["status"], told["form"]) == (201, "awaiting_upload", "archive")
    key = lab.stored(told["dataset_id"]).archive_key
    assert key.startswith(f"archives/{told['dataset_id']}/")
    assert told["upload"]["fields"] == {"key": key, "size": "1000"}
    assert told["parts"] is None
    assert (told["licence"], told["source"], told["group_column"]) == ("CC0-1.0", "a clinic", "lesion_id")
    assert lab.ask("POST", f"/{told['dataset_id']}/form")[1]["fields"] == told["upload"]["fields"]


@pytest.mark.parametrize("role", [Role.PATIENT, Role.GP, Role.DOCTOR])
def test_other_roles_are_turned_away_from_every_route(lab: Lab, fakes: Fakes, role: Role) -> None:
    dataset_id = lab.created()
    lab.researcher = fakes.person("other", role)
    paths = [("GET", ""), ("GET", f"/{dataset_id}"), ("GET", f"/{dataset_id}/parts")]
    paths += [("POST", f"/{dataset_id}/{verb}") for verb in ("ingest", "complete", "abort", "form")]
    for method, path in paths:
        assert lab.ask(method, path)[0] == 403, path
    assert lab.create()[0] == 403
    assert lab.ask("POST", "/from-labels", name="x", specialty="skin")[0] == 403
    assert lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[1])[0] == 403
    assert lab.ask("POST", f"/{dataset_id}/files", files=[{"path": "a.jpg", "size_bytes": 1}])[0] == 403
    assert lab.ask("GET", f"/{new_id()}")[0] == 403, "what exists is not told apart from what does not"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"specialty": "teeth"}, 422, "unknown_specialty"),
        ({"specialty": "skin", "new_specialty": True}, 400, "invalid_request"),
        ({"specialty": "Teeth!", "new_specialty": True}, 422, "invalid_request"),
        ({"size_bytes": None}, 400, "invalid_request"),
        ({"size_bytes": 0}, 422, "invalid_request"),
        ({"size_bytes": 5 * GB + 1}, 413, "payload_too_large"),
        ({"form": "multipart", "size_bytes": 50 * GB + 1}, 413, "payload_too_large"),
        ({"form": "files"}, 400, "invalid_request"),
        ({"form": "labels"}, 422, "invalid_request"),
        ({"name": ""}, 422, "invalid_request"),
        ({"name": "a\x00b"}, 422, "invalid_request"),
        ({"name": "n" * 201}, 422, "invalid_request"),
        ({"surprise": 1}, 422, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_refused(lab: Lab, body: dict[str, Any], status: int, code: str) -> None:
    told = lab.create(**body)
    assert (told[0], told[1]["code"]) == (status, code)
    assert not lab.records.records


def test_a_specialty_that_is_said_to_be_new_is_taken(lab: Lab) -> None:
    status, told = lab.create(specialty="teeth", new_specialty=True)
    assert (status, told["specialty"], told["new_specialty"]) == (201, "teeth", True)


def test_the_largest_sizes_are_taken(lab: Lab) -> None:
    assert lab.create(size_bytes=5 * GB)[0] == 201
    status, told = lab.create(form="multipart", size_bytes=50 * GB)
    assert status == 201
    assert told["parts"]["count"] == 1491
    assert (told["upload"], told["parts"]["part_bytes"]) == (None, PART_BYTES)


def test_an_unknown_dataset_is_not_found_on_every_route(lab: Lab) -> None:
    for dataset_id in (new_id(), "no-id", "x" * 300):
        assert lab.ask("GET", f"/{dataset_id}")[0] == 404
        for verb in ("ingest", "complete", "abort", "form"):
            assert lab.ask("POST", f"/{dataset_id}/{verb}")[0] == 404, verb
        assert lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[1])[0] == 404
        assert lab.ask("POST", f"/{dataset_id}/files", files=[{"path": "a", "size_bytes": 1}])[0] == 404


def test_asked_twice_to_ingest_there_is_one_job(lab: Lab) -> None:
    dataset_id = lab.created()
    assert lab.ask("POST", f"/{dataset_id}/ingest")[0] == 409, "nothing has arrived"
    lab.arrive(dataset_id)
    status, told = lab.ask("POST", f"/{dataset_id}/ingest")
    assert (status, told["status"]) == (202, "ingesting")
    assert lab.ask("POST", f"/{dataset_id}/ingest") == (202, told)
    (job,) = lab.jobs
    assert (job.kind, job.job_id, job.dataset_id) == (JobKind.INGEST, told["job_id"], dataset_id)
    assert (job.specialty, job.requested_by) == ("skin", "sub-rita")
    assert list(lab.fakes.job_queue.submitted.values()) == [job.job_id]
    assert lab.stored(dataset_id).object_version == "v1"


def test_whoever_asks_at_the_same_moment_gets_the_same_job(lab: Lab) -> None:
    dataset_id = lab.created()
    lab.arrive(dataset_id)
    others: list[Told] = []
    lab.records.before_write = lambda: others.append(lab.ask("POST", f"/{dataset_id}/ingest"))
    mine = lab.ask("POST", f"/{dataset_id}/ingest")
    assert others == [mine]
    assert mine[0] == 202
    assert len(lab.jobs) == 1


def test_a_job_that_was_named_and_never_written_is_written_by_the_next_who_asks(lab: Lab) -> None:
    dataset_id = lab.created()
    lab.arrive(dataset_id)

    def die() -> None:
        raise ConnectionError("The power is gone.")

    lab.fakes.jobs.before_write = die
    assert lab.ask("POST", f"/{dataset_id}/ingest")[0] == 500
    assert (lab.stored(dataset_id).status, lab.jobs) == (DatasetStatus.INGESTING, [])
    status, told = lab.ask("POST", f"/{dataset_id}/ingest")
    assert status == 202
    assert [job.job_id for job in lab.jobs] == [told["job_id"]]


def test_where_nothing_ingests_that_is_said_and_the_dataset_waits(lab: Lab) -> None:
    lab.fakes.job_queue.deployed = False
    dataset_id = lab.created()
    lab.arrive(dataset_id)
    status, told = lab.ask("POST", f"/{dataset_id}/ingest")
    assert (status, told["code"]) == (503, "training_not_deployed")
    assert lab.stored(dataset_id).status is DatasetStatus.AWAITING_UPLOAD
    assert lab.ask("POST", "/from-labels", name="labels", specialty="skin")[0] == 503
    assert len(lab.records.records) == 1
    lab.fakes.job_queue.deployed = True
    assert lab.ask("POST", f"/{dataset_id}/ingest")[0] == 202


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ({"status": JobStatus.FAILED, "failure": JobFailure(code="lost", message="Gone.")}, "lost"),
        ({"status": JobStatus.CANCELLED}, "cancelled"),
    ],
)
def test_a_job_that_died_leaves_the_dataset_failed_and_another_may_be_asked_for(
    lab: Lab, ended: dict[str, Any], code: str
) -> None:
    dataset_id = lab.created()
    lab.arrive(dataset_id)
    first = lab.ask("POST", f"/{dataset_id}/ingest")[1]["job_id"]
    lab.fakes.jobs.records[first] = lab.fakes.jobs.job(first).model_copy(update=ended)
    told = lab.ask("GET", f"/{dataset_id}")[1]
    assert (told["status"], told["failure"]["code"]) == ("failed", code)
    assert lab.ask("GET", "")[1]["items"] == [told]
    again = lab.ask("POST", f"/{dataset_id}/ingest")[1]
    assert (again["status"], again["failure"]) == ("ingesting", None)
    assert again["job_id"] != first
    assert len(lab.jobs) == 2


def test_a_ready_dataset_tells_counts_and_problems_and_is_not_ingested_again(lab: Lab) -> None:
    dataset_id = lab.created()
    lab.arrive(dataset_id)
    lab.ask("POST", f"/{dataset_id}/ingest")
    counts = {"mel": {"train": 7, "validation": 2, "held_out": 1}}
    ingested = Ingested(
        snapshot_id="f" * 32,
        counts=counts,
        problems={"truncated": 2},
        problems_key="snapshots/f.problems.jsonl",
    )
    lab.records.replace_dataset(lab.stored(dataset_id).ready(ingested, lab.fakes.clock()))
    status, told = lab.ask("GET", f"/{dataset_id}")
    assert (status, told["status"], told["counts"]) == (200, "ready", counts)
    assert (told["problems"], told["snapshot_ids"]) == ({"truncated": 2}, ["f" * 32])
    assert told["problems_url"] == "https://learning.example/snapshots/f.problems.jsonl"
    assert lab.ask("POST", f"/{dataset_id}/ingest")[1]["status"] == "ready"
    assert len(lab.jobs) == 1
    assert lab.ask("POST", f"/{dataset_id}/abort")[0] == 409
    assert lab.ask("POST", f"/{dataset_id}/form")[0] == 409


def test_datasets_of_everybody_are_listed_page_by_page(lab: Lab, fakes: Fakes) -> None:
    made = [lab.created(name=f"n{number}") for number in range(5)]
    lab.researcher = fakes.person("ada", Role.ADMIN)
    seen, cursor = [], None
    while True:
        status, page = lab.ask("GET", f"?limit=2{f'&cursor={cursor}' if cursor else ''}")
        assert status == 200
        seen += [dataset["dataset_id"] for dataset in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert lab.ask("GET", "?cursor=nonsense")[0] == 400
    assert lab.ask("GET", "?limit=51")[0] == 422


def test_files_get_a_form_each_and_the_same_path_the_same_place(lab: Lab) -> None:
    dataset_id = lab.created(form="files", size_bytes=None)
    files = [{"path": "mel/1.jpg", "size_bytes": 5}, {"path": "metadata.csv", "size_bytes": 9}]
    status, told = lab.ask("POST", f"/{dataset_id}/files", files=files)
    assert status == 200
    assert [place["path"] for place in told["items"]] == ["mel/1.jpg", "metadata.csv"]
    keys = [place["upload"]["fields"]["key"] for place in told["items"]]
    assert all(key.startswith(f"archives/{dataset_id}/") for key in keys)
    assert lab.ask("POST", f"/{dataset_id}/files", files=files[:1])[1]["items"][0]["upload"]["fields"] == {
        "key": keys[0],
        "size": "5",
    }
    assert len(lab.records.files(dataset_id)) == 2
    assert lab.ask("POST", f"/{dataset_id}/ingest")[0] == 409, "none has arrived"
    lab.uploads.objects[keys[1]] = 9
    assert lab.ask("POST", f"/{dataset_id}/ingest")[0] == 202
    assert lab.ask("POST", f"/{dataset_id}/files", files=files)[0] == 409


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../b", "a//b", "a/./b", "a\\b", "a\nb", "x" * 501])
def test_paths_that_lead_elsewhere_are_refused(lab: Lab, path: str) -> None:
    dataset_id = lab.created(form="files", size_bytes=None)
    assert lab.ask("POST", f"/{dataset_id}/files", files=[{"path": path, "size_bytes": 1}])[0] == 422


def test_too_many_too_large_and_double_files_are_refused(lab: Lab) -> None:
    dataset_id = lab.created(form="files", size_bytes=None)
    many = [{"path": f"{number}.jpg", "size_bytes": 1} for number in range(101)]
    assert lab.ask("POST", f"/{dataset_id}/files", files=many)[0] == 422
    assert lab.ask("POST", f"/{dataset_id}/files", files=[{"path": "a", "size_bytes": 50_000_001}])[0] == 413
    twice = [{"path": "a", "size_bytes": 1}] * 2
    assert lab.ask("POST", f"/{dataset_id}/files", files=twice)[0] == 400
    assert not lab.records.announced
    assert lab.ask("POST", f"/{lab.created()}/files", files=twice[:1])[0] == 409


def test_parts_have_places_of_exactly_their_size(lab: Lab) -> None:
    dataset_id = lab.in_parts(3)
    status, told = lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[3, 1, 1])
    assert status == 200
    assert [(place["part_number"], place["size_bytes"]) for place in told["items"]] == [
        (1, PART_BYTES),
        (3, 1),
    ]
    assert "part=3&bytes=1" in told["items"][1]["url"]


@pytest.mark.parametrize("number", [0, -1, 4, 10_001])
def test_a_part_that_is_not_there_has_no_place(lab: Lab, number: int) -> None:
    assert lab.ask("POST", f"/{lab.in_parts(3)}/parts", part_numbers=[number])[0] in (400, 422)


def test_parts_are_for_archives_in_parts_alone(lab: Lab) -> None:
    dataset_id = lab.created()
    assert lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[1])[0] == 409
    assert lab.ask("GET", f"/{dataset_id}/parts")[0] == 409
    assert lab.ask("POST", f"/{dataset_id}/complete")[0] == 409
    assert lab.ask("POST", f"/{lab.in_parts()}/form")[0] == 409
    assert lab.ask("POST", f"/{lab.in_parts()}/ingest")[0] == 409


def test_missing_parts_are_named_and_the_rest_can_be_sent(lab: Lab) -> None:
    dataset_id = lab.in_parts(3)
    lab.send_parts(dataset_id, 1, 3)
    status, told = lab.ask("POST", f"/{dataset_id}/complete")
    assert (status, told["detail"]) == (409, "1 of 3 parts are missing: 2 ...")
    assert lab.ask("GET", f"/{dataset_id}/parts")[1]["arrived"] == [1, 3]
    lab.send_parts(dataset_id, 2)
    assert lab.ask("POST", f"/{dataset_id}/complete")[1]["status"] == "ingesting"


def test_completing_twice_is_one_archive_and_one_job(lab: Lab) -> None:
    dataset_id = lab.in_parts(2)
    lab.send_parts(dataset_id, 1, 2)
    first = lab.ask("POST", f"/{dataset_id}/complete")
    assert first[0] == 202
    assert lab.ask("POST", f"/{dataset_id}/complete") == first
    assert lab.ask("GET", f"/{dataset_id}/parts")[1]["arrived"] == [1, 2]
    assert lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[1])[0] == 409
    assert len(lab.jobs) == 1


def test_two_who_complete_at_the_same_moment_make_one_job(lab: Lab) -> None:
    dataset_id = lab.in_parts(2)
    lab.send_parts(dataset_id, 1, 2)
    others: list[Told] = []
    lab.uploads.before_complete = lambda: others.append(lab.ask("POST", f"/{dataset_id}/complete"))
    mine = lab.ask("POST", f"/{dataset_id}/complete")
    assert mine[0] == 202
    assert others == [mine]
    assert len(lab.jobs) == 1


def test_a_completion_whose_answer_was_lost_goes_on_when_asked_again(lab: Lab) -> None:
    dataset_id = lab.in_parts(2)
    lab.send_parts(dataset_id, 1, 2)
    lab.uploads.lose_answer = True
    assert lab.ask("POST", f"/{dataset_id}/complete")[0] == 500
    assert lab.stored(dataset_id).status is DatasetStatus.AWAITING_UPLOAD
    assert lab.ask("POST", f"/{dataset_id}/complete")[1]["status"] == "ingesting"


def test_what_is_put_together_where_nothing_ingests_is_kept(lab: Lab) -> None:
    lab.fakes.job_queue.deployed = False
    dataset_id = lab.in_parts(1)
    lab.send_parts(dataset_id, 1)
    assert lab.ask("POST", f"/{dataset_id}/complete")[0] == 503
    assert lab.ask("GET", f"/{dataset_id}")[1]["status"] == "uploaded"
    lab.fakes.job_queue.deployed = True
    assert lab.ask("POST", f"/{dataset_id}/ingest")[1]["status"] == "ingesting"


def test_an_upload_that_expired_says_so(lab: Lab) -> None:
    dataset_id = lab.in_parts(1)
    lab.uploads.open.clear()
    for method, path in (("GET", "parts"), ("POST", "complete")):
        status, told = lab.ask(method, f"/{dataset_id}/{path}")
        assert (status, told["detail"]) == (409, "The upload has expired; announce the dataset anew.")


def test_a_dataset_that_was_given_up_takes_nothing_more(lab: Lab) -> None:
    dataset_id = lab.in_parts(2)
    lab.send_parts(dataset_id, 1, 2)
    status, told = lab.ask("POST", f"/{dataset_id}/abort")
    assert (status, told["status"]) == (200, "aborted")
    assert not lab.uploads.open
    assert lab.ask("POST", f"/{dataset_id}/abort") == (status, told)
    for verb in ("complete", "ingest"):
        assert lab.ask("POST", f"/{dataset_id}/{verb}")[0] == 409
    assert lab.ask("POST", f"/{dataset_id}/parts", part_numbers=[1])[0] == 409
    assert not lab.jobs


def test_who_gives_up_while_parts_are_put_together_wins(lab: Lab) -> None:
    dataset_id = lab.in_parts(1)
    lab.send_parts(dataset_id, 1)
    lab.records.before_write = lambda: lab.ask("POST", f"/{dataset_id}/abort")
    assert lab.ask("POST", f"/{dataset_id}/complete")[0] == 409
    assert lab.ask("GET", f"/{dataset_id}")[1]["status"] == "aborted"
    assert not lab.jobs


def test_labels_become_a_dataset_at_once(lab: Lab) -> None:
    status, told = lab.ask("POST", "/from-labels", name="labels so far", specialty="skin")
    assert (status, told["form"], told["status"]) == (202, "labels", "ingesting")
    (job,) = lab.jobs
    assert (job.job_id, job.dataset_id, job.config) == (
        told["job_id"],
        told["dataset_id"],
        {"form": "labels"},
    )
    assert lab.ask("POST", f"/{told['dataset_id']}/ingest")[1]["job_id"] == job.job_id
    assert lab.ask("POST", "/from-labels", name="x", specialty="teeth")[0] == 422
    assert len(lab.jobs) == 1


def test_what_is_done_is_in_the_trail_by_ids_alone(lab: Lab) -> None:
    dataset_id = lab.created(name="Ward 7")
    lab.arrive(dataset_id)
    lab.ask("POST", f"/{dataset_id}/ingest")
    lab.ask("POST", f"/{lab.in_parts()}/abort")
    entries = [(entry.action, entry.subject, entry.actor) for entry in lab.fakes.audit.entries]
    assert ("dataset.create", dataset_id, "sub-rita") in entries
    assert ("dataset.ingest", dataset_id, "sub-rita") in entries
    assert [action for action, _, _ in entries].count("dataset.abort") == 1
    assert not any("Ward" in entry.model_dump_json() for entry in lab.fakes.audit.entries)
