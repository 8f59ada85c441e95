"""A dataset's way through the whole API on moto: forms, parts, records, the job; then its ingestion."""

from typing import Any

import pytest

from clinic_api.deps import datasets as dataset_deps
from clinic_api.deps import training as training_deps
from tests import archives
from tests.cloud import REGION, Cloud
from tests.fake_training_jobs import FakeJobQueue
from tests.integration.api.conftest import Api
from training_job.jobs.entry import run
from training_job.jobs.ingestion import ingest_settings
from training_job.jobs.settings import runner_settings, settings
from triagelens.adapters.dataset_uploads import S3DatasetUploads
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.datasets import PART_BYTES, Dataset
from triagelens.domain.errors import NotFoundError, OutdatedError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role
from triagelens.services.learning_ports import FIRST

CACHES = (
    dataset_deps.dataset_records,
    dataset_deps.dataset_uploads,
    training_deps.job_records,
    training_deps.job_queue,
    settings,
    runner_settings,
    ingest_settings,
)


class Lab:
    def __init__(self, api: Api) -> None:
        self.api, self.cloud = api, api.cloud
        self.headers = api.sign_up("rita", Role.RESEARCHER)

    def ask(self, method: str, path: str, expected: int, **body: Any) -> Any:
        sent: dict[str, Any] = {"json": body} if body else {}
        answer = self.api.client.request(method, f"/v1/datasets{path}", headers=self.headers, **sent)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def put(self, key: str, data: bytes) -> None:
        self.cloud.s3.put_object(Bucket="learning", Key=key, Body=data)

    def jobs(self) -> list[str]:
        return [job.job_id for job in DynamoTrainingJobs("registry", REGION).open_jobs()]


@pytest.fixture
def lab(api: Api, monkeypatch: pytest.MonkeyPatch) -> Any:
    for cache in CACHES:
        cache.cache_clear()
    queue = FakeJobQueue()
    app: Any = api.client.app
    app.dependency_overrides[training_deps.job_queue] = lambda: queue
    yield Lab(api)
    for cache in CACHES:
        cache.cache_clear()


def zipped() -> bytes:
    files = {f"{('mel', 'nv')[number % 2]}/{number}.jpg": archives.picture(number) for number in range(10)}
    return archives.zipped({"nv/readme.jpg": b"no image"}, base=files)


def test_an_archive_arrives_is_ingested_and_tells_what_came_of_it(lab: Lab) -> None:
    data = zipped()
    made = lab.ask("POST", "", 201, name="HAM", specialty="skin", size_bytes=len(data), licence="CC0-1.0")
    path, form = f"/{made['dataset_id']}", made["upload"]
    assert form["fields"]["key"].startswith(f"archives{path}/")
    assert "x-amz-signature" in form["fields"]
    lab.ask("POST", f"{path}/ingest", 409)
    lab.put(form["fields"]["key"], data)
    begun = lab.ask("POST", f"{path}/ingest", 202)
    assert lab.ask("POST", f"{path}/ingest", 202) == begun
    assert lab.jobs() == [begun["job_id"]]

    assert run(begun["job_id"]) == 0

    told = lab.ask("GET", path, 200)
    assert told["status"] == "ready"
    assert {label: sum(sets.values()) for label, sets in told["counts"].items()} == {"mel": 5, "nv": 5}
    assert sum(told["problems"].values()) == 1
    assert "X-Amz-Signature" in told["problems_url"]
    (snapshot_id,) = told["snapshot_ids"]
    key = f"snapshots/{snapshot_id}.problems.jsonl"
    assert b"nv/readme.jpg" in lab.cloud.s3.get_object(Bucket="learning", Key=key)["Body"].read()
    assert lab.jobs() == []
    listed = lab.ask("GET", "", 200)["items"]
    assert [dataset["dataset_id"] for dataset in listed] == [made["dataset_id"]]


def test_single_files_arrive_and_are_ingested(lab: Lab) -> None:
    path = f"/{lab.ask('POST', '', 201, name='few', specialty='skin', form='files')['dataset_id']}"
    pictures = {f"{('mel', 'nv')[number % 2]}/{number}.jpg": archives.picture(number) for number in range(6)}
    announced = [{"path": name, "size_bytes": len(data)} for name, data in pictures.items()]
    announced.append({"path": "nv/never.jpg", "size_bytes": 7})
    places = lab.ask("POST", f"{path}/files", 200, files=announced)["items"]
    lab.ask("POST", f"{path}/ingest", 409)
    for place in places[:-1]:
        lab.put(place["upload"]["fields"]["key"], pictures[place["path"]])
    assert run(lab.ask("POST", f"{path}/ingest", 202)["job_id"]) == 0
    told = lab.ask("GET", path, 200)
    assert (told["status"], told["problems"]) == ("ready", {"never_came": 1})
    assert sum(sum(sets.values()) for sets in told["counts"].values()) == 6


def test_an_ingestion_that_finds_nothing_says_what_it_looked_for_and_may_be_asked_again(lab: Lab) -> None:
    data = archives.zipped({"letter.txt": b"no picture"}, base={})
    made = lab.ask("POST", "", 201, name="empty", specialty="skin", size_bytes=len(data))
    path = f"/{made['dataset_id']}"
    lab.put(made["upload"]["fields"]["key"], data)
    first = lab.ask("POST", f"{path}/ingest", 202)["job_id"]
    assert run(first) == 1
    told = lab.ask("GET", path, 200)
    assert told["status"] == "failed"
    assert "No images found!" in told["failure"]["message"]
    assert lab.ask("POST", f"{path}/ingest", 202)["job_id"] != first


def test_labels_of_no_case_make_no_snapshot(lab: Lab) -> None:
    told = lab.ask("POST", "/from-labels", 202, name="labels", specialty="skin")
    assert run(told["job_id"]) == 1
    told = lab.ask("GET", f"/{told['dataset_id']}", 200)
    assert (told["status"], "No images found!" in told["failure"]["message"]) == ("failed", True)


def test_parts_are_sent_taken_up_again_and_put_together_once(lab: Lab) -> None:
    size = PART_BYTES + 5
    made = lab.ask("POST", "", 201, name="big", specialty="skin", form="multipart", size_bytes=size)
    assert made["parts"] == {"part_bytes": PART_BYTES, "count": 2, "arrived": []}
    path = f"/{made['dataset_id']}"
    places = lab.ask("POST", f"{path}/parts", 200, part_numbers=[1, 2])["items"]
    assert [place["size_bytes"] for place in places] == [PART_BYTES, 5]
    assert all("content-length" in place["url"] for place in places), "the length is signed"
    records = DynamoDatasets("registry", REGION)
    dataset = records.dataset(made["dataset_id"])
    assert dataset.multipart is not None
    where = {
        "Bucket": "learning",
        "Key": dataset.archive_key,
        "UploadId": dataset.multipart.s3_upload_id,
    }
    lab.cloud.s3.upload_part(**where, PartNumber=1, Body=b"\0" * PART_BYTES)
    lab.cloud.s3.upload_part(**where, PartNumber=2, Body=b"four")
    assert lab.ask("GET", f"{path}/parts", 200)["arrived"] == [1], "a part of another size has not come"
    assert "parts are missing: 2" in lab.ask("POST", f"{path}/complete", 409)["detail"]
    lab.cloud.s3.upload_part(**where, PartNumber=2, Body=b"fives")
    told = lab.ask("POST", f"{path}/complete", 202)
    assert told["status"] == "ingesting"
    assert lab.ask("POST", f"{path}/complete", 202) == told
    assert lab.jobs() == [told["job_id"]]
    stored = lab.cloud.s3.head_object(Bucket="learning", Key=dataset.archive_key)
    assert (stored["ContentLength"], stored["VersionId"]) == (
        size,
        records.dataset(made["dataset_id"]).object_version,
    )


def test_a_dataset_given_up_leaves_no_upload_open(lab: Lab) -> None:
    made = lab.ask("POST", "", 201, name="big", specialty="skin", form="multipart", size_bytes=5)
    for _ in range(2):
        assert lab.ask("POST", f"/{made['dataset_id']}/abort", 200)["status"] == "aborted"
    assert "Uploads" not in lab.cloud.s3.list_multipart_uploads(Bucket="learning")
    lab.ask("POST", f"/{made['dataset_id']}/complete", 409)


def test_the_latest_version_of_an_archive_is_found_and_no_neighbour(cloud: Cloud) -> None:
    uploads = S3DatasetUploads(cloud.s3, "learning")
    assert uploads.arrived("archives/d/a") is None
    cloud.s3.put_object(Bucket="learning", Key="archives/d/ab", Body=b"neighbour")
    assert uploads.arrived("archives/d/a") is None
    assert uploads.any_arrived("archives/d/")
    assert not uploads.any_arrived("archives/e/")
    cloud.s3.put_object(Bucket="learning", Key="archives/d/a", Body=b"old")
    new = cloud.s3.put_object(Bucket="learning", Key="archives/d/a", Body=b"newer")["VersionId"]
    arrived = uploads.arrived("archives/d/a")
    assert arrived is not None
    assert (arrived.object_version, arrived.size_bytes) == (new, 5)
    with pytest.raises(NotFoundError):
        uploads.parts("archives/d/a", "gone")


def test_a_record_is_written_over_the_version_that_was_read(lab: Lab) -> None:
    made = lab.ask("POST", "", 201, name="HAM", specialty="skin", size_bytes=5)
    records = DynamoDatasets("registry", REGION)
    read = records.dataset(made["dataset_id"])
    records.replace_dataset(read.model_copy(update={"name": "first"}))
    with pytest.raises(OutdatedError):
        records.replace_dataset(read.model_copy(update={"name": "second"}))
    with pytest.raises(OutdatedError):
        records.add_dataset(read.model_copy(update={"version": None}))
    assert records.dataset(made["dataset_id"]).name == "first"


def test_datasets_are_found_by_their_names_the_newest_first(lab: Lab) -> None:
    records = DynamoDatasets("registry", REGION)
    assert list(records.named("HAM")) == []
    made = [lab.ask("POST", "", 201, name="HAM", specialty="skin", size_bytes=5) for _ in range(12)]
    lab.ask("POST", "", 201, name="HAM2", specialty="skin", size_bytes=5)
    newest_first = [dataset["dataset_id"] for dataset in reversed(made)]
    assert [dataset.dataset_id for dataset in records.named("HAM")] == newest_first[:10]


def test_no_two_datasets_of_a_name_follow_the_same(lab: Lab) -> None:
    records = DynamoDatasets("registry", REGION)
    made = lab.ask("POST", "", 201, name="other", specialty="skin", size_bytes=5)
    pattern = records.dataset(made["dataset_id"])

    def add(name: str, follows: str) -> Dataset:
        fresh = {"dataset_id": new_id(), "name": name, "version": None}
        return records.add_dataset(pattern.model_copy(update=fresh), follows)

    first = add("HAM", FIRST)
    add("HAM2", FIRST)
    with pytest.raises(OutdatedError):
        add("HAM", FIRST)
    second = add("HAM", first.dataset_id)
    with pytest.raises(OutdatedError):
        add("HAM", first.dataset_id)
    assert list(records.named("HAM")) == [second, first]


def test_a_small_upload_by_the_former_route_comes_ingested(lab: Lab) -> None:
    answer = lab.api.client.post(
        "/compat/dermascan/api/upload-dataset",
        params={"datasetName": "HAM"},
        files=[("files", ("HAM.zip", zipped()))],
        headers=lab.headers,
    )
    assert answer.status_code == 200, answer.text
    (job_id,) = lab.jobs()
    assert run(job_id) == 0
    (dataset,) = DynamoDatasets("registry", REGION).named("HAM")
    assert answer.json()["dataset_path"] == f"/v1/datasets/{dataset.dataset_id}"
    assert dataset.ingested is not None
    assert {label: sum(sets.values()) for label, sets in dataset.ingested.counts.items()} == {
        "mel": 5,
        "nv": 5,
    }


def test_lists_are_paged_newest_first(lab: Lab) -> None:
    made = [lab.ask("POST", "", 201, name=f"n{n}", specialty="skin", form="files") for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = lab.ask("GET", f"?limit=2{cursor and f'&cursor={cursor}'}", 200)
        seen += [dataset["dataset_id"] for dataset in page["items"]]
        cursor = page["cursor"]
    assert seen == [dataset["dataset_id"] for dataset in reversed(made)]
    lab.ask("GET", "?cursor=nonsense", 400)
