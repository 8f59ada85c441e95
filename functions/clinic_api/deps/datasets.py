"""Datasets: their adapters, their use cases, and who may work with them."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import ClockPort
from clinic_api.deps.training import JobRecordsPort, SubmissionPart
from clinic_api.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dataset_uploads import S3DatasetUploads
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.domain.datasets import Dataset
from triagelens.domain.people import Action, Person
from triagelens.services.dataset_parts import DatasetParts
from triagelens.services.datasets import Datasets
from triagelens.services.ingestions import Ingestions
from triagelens.services.learning_ports import DatasetRecords, DatasetUploads
from triagelens.services.small_datasets import SmallDatasets


@lru_cache
def dataset_records() -> DatasetRecords:
    conf = settings()
    return DynamoDatasets(conf.registry_table, conf.aws_region)


@lru_cache
def dataset_uploads() -> DatasetUploads:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3DatasetUploads(s3, conf.learning_bucket)


DatasetRecordsPort = Annotated[DatasetRecords, Depends(dataset_records)]
DatasetUploadsPort = Annotated[DatasetUploads, Depends(dataset_uploads)]


def ingestions(
    records: DatasetRecordsPort,
    jobs: JobRecordsPort,
    submission: SubmissionPart,
    clock: ClockPort,
    journal: JournalPart,
) -> Ingestions:
    return Ingestions(records, jobs, submission, clock, journal)


def datasets(
    records: DatasetRecordsPort,
    uploads: DatasetUploadsPort,
    ingestions: Annotated[Ingestions, Depends(ingestions)],
) -> Datasets:
    return Datasets(records, uploads, ingestions)


DatasetsCase = Annotated[Datasets, Depends(datasets)]


def dataset_parts(datasets: DatasetsCase) -> DatasetParts:
    return DatasetParts(datasets)


def small_datasets(datasets: DatasetsCase) -> SmallDatasets:
    return SmallDatasets(datasets)


DatasetPartsCase = Annotated[DatasetParts, Depends(dataset_parts)]
SmallDatasetsCase = Annotated[SmallDatasets, Depends(small_datasets)]
DatasetKeeper = Annotated[Person, Depends(Allowed(Action.MANAGE_DATASETS))]


def known_dataset(dataset_id: str, _keeper: DatasetKeeper, datasets: DatasetsCase) -> Dataset:
    """The dataset that the path names, for one who may work with datasets at all."""
    return datasets.dataset(dataset_id)


KnownDataset = Annotated[Dataset, Depends(known_dataset)]
