"""An ingestion from an object in S3 to a snapshot and its record, killed and repeated at will."""

import io
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from tests import archives as make
from tests.archives import picture
from tests.cloud import Cloud
from tests.ingestion import Deployment
from tests.killing import KilledError, watched
from training_job.arrangement import DatasetError
from training_job.ingest.job import ingest_dataset
from training_job.ingest.sources import S3Object
from training_job.ingest.wiring import ingest_ports
from training_job.jobs.settings import settings
from triagelens.domain.datasets import Dataset, DatasetFile, DatasetForm, DatasetStatus
from triagelens.domain.errors import FencedError, NotFoundError
from triagelens.domain.snapshots import digest_of
from triagelens.services.snapshot_ports import LabelledImage

COLUMNS = "image_id,image_path,label,patient_id,lesion_id"


@pytest.fixture
def deployment(cloud: Cloud) -> Deployment:
    return Deployment(cloud)


def archive(count: int = 12) -> bytes:
    """Two images of each patient; one that is damaged, one copy, one near-duplicate of another patient."""
    files = {f"images/{number}.jpg": picture(number) for number in range(count)}
    rows = [
        f"i{number},{number}.jpg,{('Melanoma', 'nevi')[number // 2 % 2]},p{number // 2},l{number}"
        for number in range(count)
    ]
    files["images/damaged.jpg"] = picture(0)[:400]
    files["images/copy.jpg"] = picture(0)
    rows += ["x1,damaged.jpg,mel,p0,", "x2,copy.jpg,mel,p0,"]
    return make.zipped({"metadata.csv": "\n".join([COLUMNS, *rows]).encode()}, base=files)


def test_an_archive_becomes_a_snapshot(deployment: Deployment) -> None:
    dataset = deployment.upload(archive())
    snapshot, entries = deployment.ingest(dataset)
    assert snapshot.sha256 == digest_of(deployment.read(snapshot.key))
    assert snapshot.snapshot_id == snapshot.sha256[:32]
    assert len(entries) == snapshot.images == 12
    assert snapshot.labels == ("mel", "nv")
    assert {label: sum(sets.values()) for label, sets in snapshot.counts.items()} == {"mel": 6, "nv": 6}
    assert snapshot.problems == {"copy": 1, "truncated": 1}
    assert deployment.problems(snapshot) == {"images/damaged.jpg": "truncated", "images/copy.jpg": "copy"}
    assert (snapshot.licence, snapshot.source) == ("CC BY-NC 4.0", "a clinic")
    assert list(deployment.snapshots.snapshots_of(dataset.dataset_id)) == [snapshot.snapshot_id]


def test_every_entry_leads_to_its_working_image(deployment: Deployment) -> None:
    _, entries = deployment.ingest(deployment.upload(archive()))
    for entry in entries:
        assert entry.bucket == "learning"
        data = deployment.read(entry.key)
        assert digest_of(data) == entry.sha256
        assert data.startswith(b"\xff\xd8")


def test_patients_stay_in_one_set_and_are_named_nowhere(deployment: Deployment) -> None:
    snapshot, entries = deployment.ingest(deployment.upload(archive()))
    sets: dict[str, set[str]] = {}
    for entry in entries:
        sets.setdefault(entry.group, set()).add(entry.split)
    assert len(sets) == 6
    assert all(len(splits) == 1 for splits in sets.values())
    text = deployment.read(snapshot.key).decode()
    assert not any(f'"p{number}"' in text for number in range(6))


def test_the_dataset_says_what_became_of_it(deployment: Deployment) -> None:
    dataset = deployment.upload(archive())
    snapshot, _ = deployment.ingest(dataset)
    stored = deployment.datasets.dataset(dataset.dataset_id)
    assert stored.status is DatasetStatus.READY
    assert stored.ingested is not None
    assert stored.ingested.snapshot_id == snapshot.snapshot_id
    assert stored.ingested.problems == snapshot.problems
    assert stored.snapshot_ids == (snapshot.snapshot_id,)


def test_a_dataset_that_cannot_be_used_says_why(deployment: Deployment) -> None:
    dataset = deployment.upload(make.zipped({"notes.txt": b"x"}, base={}))
    with pytest.raises(DatasetError, match="No images found!"):
        deployment.ingest(dataset)
    stored = deployment.datasets.dataset(dataset.dataset_id)
    assert stored.status is DatasetStatus.FAILED
    assert stored.failure is not None
    assert stored.failure.message.startswith("No images found! Looked for metadata.csv")


def test_the_same_images_again_make_the_same_snapshot(deployment: Deployment) -> None:
    dataset = deployment.upload(archive())
    first, _ = deployment.ingest(dataset)
    deployment.datasets.records[dataset.dataset_id] = dataset.model_copy(update={"version": None})
    deployment.clock.advance(days=1)
    again, _ = deployment.ingest(dataset)
    assert again == first


def test_killed_at_any_write_it_shows_nothing_and_repeated_it_comes_to_the_same(
    cloud: Cloud, deployment: Deployment
) -> None:
    """Every write to S3 and DynamoDB of a small ingestion, each in a specialty of its own."""
    data = archive(4)
    deployment.workers = 1  # so that its writes have an order

    def dataset(specialty: str) -> Dataset:
        made = deployment.upload(data, new_specialty=True)
        same = made.model_copy(update={"specialty": specialty})
        deployment.datasets.records[made.dataset_id] = same
        return same

    whole = dataset("whole")
    with watched() as writes:
        _, wanted = deployment.ingest(whole)
    assert len(writes.made) >= 8
    places = {entry.image_id: (entry.sha256, entry.label, entry.split) for entry in wanted}
    for number in range(len(writes.made)):
        killed = dataset(f"killed-{number}")
        with pytest.raises(KilledError), watched(kill_at=number):
            deployment.ingest(killed)
        assert list(deployment.snapshots.snapshots_of(killed.dataset_id)) == []
        _, entries = deployment.ingest(killed)
        assert {e.image_id: (e.sha256, e.label, e.split) for e in entries} == places
        assert len(list(deployment.snapshots.snapshots_of(killed.dataset_id))) == 1


def test_a_patient_known_later_leaves_out_and_lists_what_would_cross(deployment: Deployment) -> None:
    """Images of unknown patients spread over the sets; then all are said to be of one."""
    files = {f"{number}.jpg": picture(100 + number) for number in range(20)}
    rows = [f"i{number},{number}.jpg,mel,{{}}," for number in range(20)]
    unknown = "\n".join([COLUMNS, *(row.format("") for row in rows)])
    known = "\n".join([COLUMNS, *(row.format("one") for row in rows)])
    _, before = deployment.ingest(deployment.upload(make.zipped({"metadata.csv": unknown.encode()}, files)))
    after, entries = deployment.ingest(
        deployment.upload(make.zipped({"metadata.csv": known.encode()}, files))
    )
    trained = {entry.sha256 for entry in before if entry.split == "train"}
    assert 0 < len(trained) < 20
    assert {entry.sha256 for entry in entries} == trained
    assert {entry.split for entry in entries} == {"train"}
    assert after.problems == {"would_cross": 20 - len(trained)}


def test_near_duplicates_of_another_dataset_come_into_its_set(deployment: Deployment) -> None:
    def again(data: bytes) -> bytes:
        from PIL import Image

        stream = io.BytesIO()
        Image.open(io.BytesIO(data)).resize((240, 180)).save(stream, "JPEG", quality=70)
        return stream.getvalue()

    originals = {f"mel/{number}.jpg": picture(200 + number) for number in range(15)}
    _, first = deployment.ingest(deployment.upload(make.zipped(base=originals)))
    copies = {name: again(data) for name, data in originals.items()}
    _, second = deployment.ingest(deployment.upload(make.zipped(base=copies)))
    assert not {entry.sha256 for entry in first} & {entry.sha256 for entry in second}
    of_first = {entry.image_id: (entry.group, entry.split) for entry in first}
    assert {entry.image_id: (entry.group, entry.split) for entry in second} == of_first
    assert len({split for _, split in of_first.values()}) > 1


def test_files_that_came_one_by_one_and_one_that_never_came(deployment: Deployment) -> None:
    dataset = deployment.upload(None, DatasetForm.FILES)
    for path, data in {"mel/a.jpg": picture(1), "nv/b.jpg": picture(2), "nv/gone.jpg": None}.items():
        file = DatasetFile(dataset_id=dataset.dataset_id, path=path, size_bytes=1)
        deployment.datasets.announced.append(file)
        if data is not None:
            deployment.s3.put_object(Bucket="learning", Key=file.key, Body=data)
    snapshot, entries = deployment.ingest(dataset)
    assert {entry.image_id: entry.label for entry in entries} == {"mel/a.jpg": "mel", "nv/b.jpg": "nv"}
    assert deployment.problems(snapshot) == {"nv/gone.jpg": "never_came"}


def test_labels_of_the_platform_become_a_snapshot_of_its_own_images(deployment: Deployment) -> None:
    for number in range(6):
        key = f"working/{number}.jpg"
        if number < 5:
            deployment.s3.put_object(Bucket="images", Key=key, Body=picture(number))
        image = LabelledImage(f"image{number}", key, None, "mel" if number % 2 else "nv", "patient")
        deployment.datasets.labelled.append(image)
    snapshot, entries = deployment.ingest(deployment.upload(None, DatasetForm.LABELS))
    assert {entry.image_id for entry in entries} == {f"image{number}" for number in range(5)}
    assert {(entry.bucket, entry.split) for entry in entries} == {("images", entries[0].split)}
    assert snapshot.problems == {"gone": 1}
    for number in range(5):
        assert list(deployment.snapshots.snapshots_with(f"image{number}")) == [snapshot.snapshot_id]
    assert list(deployment.snapshots.snapshots_with("image5")) == []


def test_without_labels_it_says_what_was_looked_for(deployment: Deployment) -> None:
    with pytest.raises(DatasetError, match="No images found! Looked for labelled images"):
        deployment.ingest(deployment.upload(None, DatasetForm.LABELS))


def test_a_cancelled_job_leaves_the_dataset_to_others(deployment: Deployment) -> None:
    dataset = deployment.upload(archive(2))
    job = deployment.job(dataset)
    stored = deployment.records.job(job.job_id)
    deployment.records.replace_job(stored.model_copy(update={"cancel_requested": True}))
    with pytest.raises(FencedError):
        ingest_dataset(job, deployment.ports)
    assert deployment.datasets.dataset(dataset.dataset_id).status is DatasetStatus.INGESTING


def test_an_upload_that_is_gone_fails_clearly(deployment: Deployment) -> None:
    dataset = deployment.upload(None)
    with pytest.raises(NotFoundError, match="gone"):
        deployment.ingest(dataset)
    assert deployment.datasets.dataset(dataset.dataset_id).status is DatasetStatus.FAILED


def test_the_container_wires_the_same_ports(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "laptop")
    settings.cache_clear()
    dataset = deployment.upload(archive(4))
    ports = ingest_ports(deployment.jobs, deployment.datasets, deployment.datasets)
    report = ingest_dataset(deployment.job(dataset), ports)
    settings.cache_clear()
    assert report.snapshot_id is not None
    assert deployment.snapshots.snapshot(report.snapshot_id).images == 4


def test_an_archive_is_read_by_ranges_and_never_whole(deployment: Deployment) -> None:
    big = make.zipped({f"mel/{number}.jpg": picture(number) for number in range(3, 40)})
    deployment.s3.put_object(Bucket="learning", Key="archives/big", Body=big)
    call, asked = BaseClient._make_api_call, []  # type: ignore[attr-defined]  # botocore's one door to AWS

    def listening(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        answer = call(self, operation, parameters)
        if operation == "GetObject":
            asked.append((parameters.get("Range"), answer["ContentLength"]))
        return answer

    with patch.object(BaseClient, "_make_api_call", listening):
        file = io.BufferedReader(S3Object(deployment.s3, "learning", "archives/big"), 16_384)
        with file:
            assert file.read(4) == b"PK\x03\x04"
            file.seek(-22, io.SEEK_END)
            assert file.read(4) == b"PK\x05\x06"
            file.seek(0)
            assert file.read() == big
    assert len(asked) > 2
    assert all(asked_range for asked_range, _ in asked)
    assert asked[0][1] <= 16_384


@pytest.mark.parametrize("always", [True, False], ids=["always", "where a version is named"])
def test_a_server_that_ignores_ranges_is_read_all_the_same(deployment: Deployment, always: bool) -> None:
    packed = archive()
    stored = deployment.s3.put_object(Bucket="learning", Key="archives/whole", Body=packed)
    call, whole = BaseClient._make_api_call, []  # type: ignore[attr-defined]  # botocore's one door to AWS

    def deaf(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "GetObject" and (always or "VersionId" in parameters):
            parameters = {name: value for name, value in parameters.items() if name != "Range"}
            whole.append(parameters)
        return call(self, operation, parameters)

    with (
        patch.object(BaseClient, "_make_api_call", deaf),
        io.BufferedReader(
            S3Object(deployment.s3, "learning", "archives/whole", stored["VersionId"]), 4_096
        ) as file,
    ):
        file.seek(-22, io.SEEK_END)
        assert file.read(4) == b"PK\x05\x06"
        file.seek(0)
        assert file.read() == packed
    assert (len(whole) == 1) is not always
