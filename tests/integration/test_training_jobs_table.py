"""Training jobs on the table: one claim among many, an entry for as long as a job is open, one job a key."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud import REGION, Cloud
from tests.fake_training_jobs import new_job
from tests.fakes import START
from triagelens.adapters.dynamodb.tables import RegistryItem
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.adapters.dynamodb.training_material import DynamoTrainingMaterial
from triagelens.domain.datasets import Dataset, DatasetForm, DatasetStatus, Ingested
from triagelens.domain.errors import (
    ConflictError,
    FencedError,
    IdempotencyMismatchError,
    InvalidRequestError,
    JobTakenError,
    NotFoundError,
    OutdatedError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import JobStatus, Report, Runner
from triagelens.services.ports import IdempotencyKey
from triagelens.services.training_jobs import TrainingJobs


@pytest.fixture
def records(cloud: Cloud) -> DynamoTrainingJobs:
    return DynamoTrainingJobs("registry", REGION, "ephemeral")


def service(records: DynamoTrainingJobs) -> TrainingJobs:
    return TrainingJobs(records, lambda: datetime.now(UTC))


def key(fingerprint: str = "asked") -> IdempotencyKey:
    return IdempotencyKey("researcher", "key-1", fingerprint, START + timedelta(days=1))


def succeeds(write: Callable[[], object]) -> bool:
    try:
        write()
    except ConflictError:
        return False
    return True


def entries(pk: str) -> list[str]:
    return [item.sk for item in RegistryItem.query(pk)]


def test_a_job_is_read_as_it_was_written(records: DynamoTrainingJobs) -> None:
    job = new_job(cost_estimate_usd=0.42, config={"epochs": 3, "learning_rate": 0.001, "image_size": None})
    added = records.add_job(job, None)
    assert records.job(job.job_id) == added
    assert added.model_copy(update={"version": None}) == job
    with pytest.raises(NotFoundError):
        records.job(new_id())
    with pytest.raises(OutdatedError):
        records.add_job(job, None)


def test_of_many_containers_one_claims(records: DynamoTrainingJobs) -> None:
    job_id = records.add_job(new_job(), None).job_id
    jobs = service(records)

    def claims(number: int) -> bool:
        runner = Runner(runner_id=f"batch-{number}", start=1)
        return succeeds(lambda: jobs.claim(job_id, runner))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claims, range(16))) == 1
    assert records.job(job_id).attempt == 1


def test_a_job_is_among_the_open_ones_until_it_ends(records: DynamoTrainingJobs) -> None:
    ids = [records.add_job(new_job(), None).job_id for _ in range(3)]
    jobs = service(records)
    attempt = jobs.claim(ids[1], Runner(runner_id="b", start=1)).attempt
    assert [job.job_id for job in records.open_jobs()] == ids == entries("JOBS#OPEN")
    jobs.finish(ids[1], attempt, Report(metrics={"balanced_accuracy": 0.875}))
    assert [job.job_id for job in records.open_jobs()] == [ids[0], ids[2]]
    assert entries("JOBS#OPEN") == [ids[0], ids[2]]
    ended = records.job(ids[1])
    assert (ended.status, ended.metrics) == (JobStatus.COMPLETED, {"balanced_accuracy": 0.875})
    records.replace_job(ended.model_copy(update={"model_version": "2026.1"}))  # known only afterwards
    assert records.job(ids[1]).model_version == "2026.1"


def test_a_fenced_report_changes_nothing_in_the_table(records: DynamoTrainingJobs) -> None:
    job_id = records.add_job(new_job(), None).job_id
    jobs = service(records)
    old = jobs.claim(job_id, Runner(runner_id="b", start=1)).attempt
    new = jobs.claim(job_id, Runner(runner_id="b", start=2))
    with pytest.raises(FencedError):
        jobs.report(job_id, old, Report(progress=1.0))
    with pytest.raises(JobTakenError):
        jobs.claim(job_id, Runner(runner_id="b", start=2))
    assert records.job(job_id) == new


def test_reports_and_other_writes_at_the_same_time_lose_nothing(records: DynamoTrainingJobs) -> None:
    job_id = records.add_job(new_job(), None).job_id
    jobs = service(records)
    attempt = jobs.claim(job_id, Runner(runner_id="b", start=1)).attempt
    news = [Report(snapshot_id="s"), Report(import_id="i"), Report(model_version="v"), Report(progress=0.5)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda report: jobs.report(job_id, attempt, report), news))
    job = records.job(job_id)
    assert (job.snapshot_id, job.import_id, job.model_version, job.progress) == ("s", "i", "v", 0.5)


def test_one_key_makes_one_job_however_often_and_at_once(records: DynamoTrainingJobs) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: records.add_job(new_job(), key()), range(12)))
    assert len({job.job_id for job in made}) == 1
    assert entries("JOBS") == entries("JOBS#OPEN") == [made[0].job_id]
    assert records.made_by(key()) == made[0]
    with pytest.raises(IdempotencyMismatchError):
        records.add_job(new_job(), key("something else"))
    with pytest.raises(IdempotencyMismatchError):
        records.made_by(key("something else"))
    assert records.made_by(IdempotencyKey("somebody", "key-1", "asked", START)) is None


def test_pages_skip_nothing_and_end(records: DynamoTrainingJobs) -> None:
    ids = [records.add_job(new_job(), None).job_id for _ in range(5)]
    listed, cursor = [], None
    while True:
        page = records.jobs(2, cursor)
        listed += [job.job_id for job in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert listed == sorted(ids, reverse=True)
    with pytest.raises(InvalidRequestError):
        records.jobs(2, "elsewhere")


def add_dataset(form: DatasetForm, specialty: str, snapshot: str | None) -> str:
    """A dataset's record and its entry in the list, as they are stored."""
    counts = {"nv": {"train": 7, "validation": 2, "held_out": 1}, "mel": {"train": 4}}
    dataset = Dataset(
        dataset_id=new_id(),
        name="d",
        specialty=specialty,
        form=form,
        status=DatasetStatus.READY if snapshot else DatasetStatus.AWAITING_UPLOAD,
        upload_id=new_id(),
        ingested=Ingested(snapshot_id=snapshot, counts=counts) if snapshot else None,
        created_by="researcher",
        correlation_id="request",
        created_at=START,
        updated_at=START,
    )
    body = dataset.model_dump(mode="json", exclude={"version"})
    RegistryItem(f"DATASET#{dataset.dataset_id}", "META", kind="dataset", body=body).save()
    RegistryItem("DATASETS", dataset.dataset_id, kind="dataset_entry", body={}).save()
    return dataset.dataset_id


def test_a_datasets_newest_snapshot_is_what_there_is_to_train_on(records: DynamoTrainingJobs) -> None:
    material = DynamoTrainingMaterial("registry", REGION)
    ready = add_dataset(DatasetForm.ARCHIVE, "skin", "s" * 32)
    found = material.of_dataset(ready)
    assert (found.dataset_id, found.snapshot_id, found.specialty) == (ready, "s" * 32, "skin")
    assert found.images == {"nv": 10, "mel": 4}
    with pytest.raises(ConflictError, match="awaiting_upload"):
        material.of_dataset(add_dataset(DatasetForm.ARCHIVE, "skin", None))
    with pytest.raises(NotFoundError):
        material.of_dataset(new_id())


def test_labels_are_those_of_the_newest_snapshot_of_that_specialty(records: DynamoTrainingJobs) -> None:
    material = DynamoTrainingMaterial("registry", REGION)
    with pytest.raises(ConflictError, match="from-labels"):
        material.of_labels("skin")
    add_dataset(DatasetForm.LABELS, "skin", "1" * 32)
    wanted = add_dataset(DatasetForm.LABELS, "skin", "2" * 32)
    add_dataset(DatasetForm.LABELS, "skin", None)
    add_dataset(DatasetForm.LABELS, "eye", "3" * 32)
    add_dataset(DatasetForm.ARCHIVE, "skin", "4" * 32)
    assert material.of_labels("skin").dataset_id == wanted
