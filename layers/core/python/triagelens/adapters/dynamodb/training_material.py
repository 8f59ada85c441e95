"""What there is to train on, as the datasets' records in the registry table tell it."""

from triagelens.adapters.dynamodb.registry import META
from triagelens.adapters.dynamodb.tables import RegistryItem, bind
from triagelens.domain.datasets import Dataset, DatasetForm
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.services.training_job_ports import Material

ALL = "DATASETS"
PAGE = 50


class DynamoTrainingMaterial:
    """`services.training_job_ports.TrainingMaterial` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)

    def of_dataset(self, dataset_id: str) -> Material:
        try:
            item = RegistryItem.get(dataset_pk(dataset_id), META, consistent_read=True)
        except RegistryItem.DoesNotExist:
            raise NotFoundError("There is no such dataset.") from None
        dataset = _dataset(item)
        if dataset.ingested is None:
            raise ConflictError(f"The dataset has no images to train on yet: it is {dataset.status}.")
        return _material(dataset)

    def of_labels(self, specialty: str) -> Material:
        """Datasets are looked at from the newest on. There are as many as people made by hand: few."""
        found = RegistryItem.query(ALL, scan_index_forward=False, page_size=PAGE, consistent_read=True)
        for entry in found:
            dataset = _dataset(RegistryItem.get(dataset_pk(entry.sk), META, consistent_read=True))
            of_labels = dataset.form is DatasetForm.LABELS and dataset.specialty == specialty
            if of_labels and dataset.ingested is not None:
                return _material(dataset)
        raise ConflictError(
            f"There is no snapshot of the labels of {specialty} yet: ask for one with "
            "POST /v1/datasets/from-labels."
        )


def dataset_pk(dataset_id: str) -> str:
    return f"DATASET#{dataset_id}"


def _dataset(item: RegistryItem) -> Dataset:
    return Dataset.model_validate(item.body)


def _material(dataset: Dataset) -> Material:
    if dataset.ingested is None:
        raise ValueError("the dataset has no snapshot")
    return Material(
        specialty=dataset.specialty,
        dataset_id=dataset.dataset_id,
        snapshot_id=dataset.ingested.snapshot_id,
        images={label: sum(sets.values()) for label, sets in dataset.ingested.counts.items()},
    )
