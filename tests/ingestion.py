"""A deployment that ingests: moto's S3 and DynamoDB, and the records of datasets in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.cloud import REGION, Cloud, client
from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import FakeClock
from training_job.ingest.job import ingest_dataset
from training_job.ingest.making import Making
from training_job.ingest.members import ArchiveLimits
from training_job.ingest.ports import IngestPorts
from training_job.ingest.sources import open_object
from training_job.snapshots import snapshot_entries
from triagelens.adapters.buckets import S3Bucket
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.adapters.dynamodb.snapshots import DynamoSnapshots
from triagelens.domain.datasets import Dataset, DatasetFile, DatasetForm, DatasetStatus
from triagelens.domain.errors import OutdatedError
from triagelens.domain.ids import new_id
from triagelens.domain.snapshots import Snapshot, SnapshotEntry
from triagelens.domain.training_jobs import JobKind, Runner, TrainingJob
from triagelens.services.ledger import SplitLedger
from triagelens.services.snapshot_ports import LabelledImage
from triagelens.services.training_jobs import TrainingJobs


@dataclass
class FakeDatasets:
    """`training_job.ingest.ports.Datasets` and the images that readers labelled."""

    records: dict[str, Dataset] = field(default_factory=dict)
    announced: list[DatasetFile] = field(default_factory=list)
    labelled: list[LabelledImage] = field(default_factory=list)

    def dataset(self, dataset_id: str) -> Dataset:
        return self.records[dataset_id]

    def files(self, dataset_id: str) -> list[DatasetFile]:
        return self.announced

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        if self.records[dataset.dataset_id].version != dataset.version:
            raise OutdatedError("The dataset has changed since it was read.")
        self.records[dataset.dataset_id] = dataset.model_copy(update={"version": (dataset.version or 0) + 1})
        return dataset

    def of_specialty(self, specialty: str) -> Iterator[LabelledImage]:
        return iter(self.labelled)


@dataclass
class Deployment:
    cloud: Cloud
    datasets: FakeDatasets = field(default_factory=FakeDatasets)
    clock: FakeClock = field(default_factory=FakeClock)
    records: FakeJobRecords = field(default_factory=FakeJobRecords)

    workers: int = 2

    def __post_init__(self) -> None:
        self.s3 = client("s3")
        self.ledgers = DynamoLedgers("registry", REGION)
        self.snapshots = DynamoSnapshots("registry", REGION)
        self.jobs = TrainingJobs(self.records, self.clock)
        self.ledgers.key()

    @property
    def ports(self) -> IngestPorts:
        learning = S3Bucket(self.s3, "learning")
        return IngestPorts(
            jobs=self.jobs,
            datasets=self.datasets,
            labelled=self.datasets,
            making=Making(SplitLedger(self.ledgers, lambda _: None), learning, self.snapshots),
            learning=learning,
            images=S3Bucket(self.s3, "images"),
            open_archive=lambda key, version: open_object(self.s3, "learning", key, version),
            clock=self.clock,
            limits=ArchiveLimits(),
            workers=self.workers,
        )

    def upload(self, data: bytes | None, form: DatasetForm = DatasetForm.ARCHIVE, **more: Any) -> Dataset:
        now = self.clock()
        dataset = Dataset(
            dataset_id=new_id(),
            name="a dataset",
            specialty="skin",
            form=form,
            status=DatasetStatus.INGESTING,
            upload_id=new_id(),
            licence="CC BY-NC 4.0",
            source="a clinic",
            created_by="researcher",
            correlation_id="request",
            created_at=now,
            updated_at=now,
            **more,
        )
        if data is not None:
            stored = self.s3.put_object(Bucket="learning", Key=dataset.archive_key, Body=data)
            dataset = dataset.model_copy(update={"object_version": stored["VersionId"]})
        self.datasets.records[dataset.dataset_id] = dataset
        return dataset

    def job(self, dataset: Dataset) -> TrainingJob:
        """A claimed job for the dataset."""
        job = new_job(kind=JobKind.INGEST, dataset_id=dataset.dataset_id, config={})
        self.records.add_job(job, None)
        return self.jobs.claim(job.job_id, Runner(runner_id=new_id(), start=1))

    def ingest(self, dataset: Dataset) -> tuple[Snapshot, list[SnapshotEntry]]:
        report = ingest_dataset(self.job(dataset), self.ports)
        assert report.snapshot_id is not None
        snapshot = self.snapshots.snapshot(report.snapshot_id)
        return snapshot, snapshot_entries(self.read(snapshot.key))

    def read(self, key: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket="learning", Key=key)["Body"].read()
        return data

    def problems(self, snapshot: Snapshot) -> dict[str, str]:
        lines = self.read(snapshot.problems_key).splitlines()
        return {line["file"]: line["code"] for line in map(json.loads, lines)}
