"""Datasets in the registry table: each with its announced files, in the list of all, and by its name."""

import hashlib
from collections.abc import Sequence

from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.registry import META
from triagelens.adapters.dynamodb.tables import RegistryItem, bind, transaction_connection
from triagelens.adapters.dynamodb.training_material import ALL, dataset_pk
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.datasets import Dataset, DatasetFile
from triagelens.domain.errors import NotFoundError, OutdatedError
from triagelens.services.ports import Page

FILE = "FILE#"
FOLLOWED = "FOLLOWED#"
MOST_OF_A_NAME = 10


class DynamoDatasets:
    """`services.learning_ports.DatasetRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)
        self._connection = transaction_connection(region)

    def dataset(self, dataset_id: str) -> Dataset:
        try:
            item = RegistryItem.get(dataset_pk(dataset_id), META, consistent_read=True)
        except RegistryItem.DoesNotExist:
            raise NotFoundError("There is no such dataset.") from None
        return _dataset(item)

    def datasets(self, limit: int, cursor: str | None) -> Page[Dataset]:
        check_cursor(cursor)
        behind = None if cursor is None else RegistryItem.sk < cursor
        found = RegistryItem.query(
            ALL, behind, scan_index_forward=False, limit=limit + 1, page_size=limit + 1, consistent_read=True
        )
        listed = [item.sk for item in found]
        items = listed[:limit]
        return Page(self._datasets_of(items), items[-1] if len(listed) > limit else None)

    def named(self, name: str) -> Sequence[Dataset]:
        found = RegistryItem.query(
            _name_pk(name),
            RegistryItem.sk < FOLLOWED,
            scan_index_forward=False,
            limit=MOST_OF_A_NAME,
            consistent_read=True,
        )
        return self._datasets_of([item.sk for item in found])

    def add_dataset(self, dataset: Dataset, follows: str | None = None) -> Dataset:
        there = OutdatedError("There is such a dataset already.")
        parts, item = Parts(), _item(dataset)
        parts.put(item, there)
        parts.put(RegistryItem(ALL, dataset.dataset_id, kind="dataset_entry", body={}), there)
        by_name = _name_pk(dataset.name)
        parts.put(RegistryItem(by_name, dataset.dataset_id, kind="dataset_name", body={}), there)
        if follows is not None:
            followed = RegistryItem(by_name, f"{FOLLOWED}{follows}", kind="dataset_followed", body={})
            parts.put(followed, OutdatedError("Another dataset of that name has come."))
        parts.write(self._connection)
        return dataset.model_copy(update={"version": item.version})

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        parts, item = Parts(), _item(dataset)
        parts.put(item, OutdatedError("The dataset has changed since it was read."))
        parts.write(self._connection)
        return dataset.model_copy(update={"version": item.version})

    def add_files(self, files: Sequence[DatasetFile]) -> None:
        by_id = {file.file_id: file for file in files}
        with RegistryItem.batch_write() as batch:
            for file in by_id.values():
                sk = f"{FILE}{file.file_id}"
                body = file.model_dump(mode="json")
                batch.save(RegistryItem(dataset_pk(file.dataset_id), sk, kind="dataset_file", body=body))

    def files(self, dataset_id: str) -> Sequence[DatasetFile]:
        found = RegistryItem.query(
            dataset_pk(dataset_id), RegistryItem.sk.startswith(FILE), consistent_read=True
        )
        return [DatasetFile.model_validate(item.body) for item in found]

    def _datasets_of(self, dataset_ids: list[str]) -> list[Dataset]:
        """The datasets of these ids, in their order."""
        keys = [(dataset_pk(dataset_id), META) for dataset_id in dataset_ids]
        items = RegistryItem.batch_get(keys, consistent_read=True) if keys else []
        found = [_dataset(item) for item in items]
        by_id = {dataset.dataset_id: dataset for dataset in found}
        return [by_id[dataset_id] for dataset_id in dataset_ids]


def _name_pk(name: str) -> str:
    """A key of bounded length. Sorted below it are ids of datasets (digits first), then what was followed."""
    return f"DATASET_NAME#{hashlib.sha256(name.encode()).hexdigest()}"


def _item(dataset: Dataset) -> RegistryItem:
    body = dataset.model_dump(mode="json", exclude={"version"})
    pk = dataset_pk(dataset.dataset_id)
    return RegistryItem(pk, META, kind="dataset", body=body, version=dataset.version)


def _dataset(item: RegistryItem) -> Dataset:
    return Dataset.model_validate({**item.body, "version": item.version})
