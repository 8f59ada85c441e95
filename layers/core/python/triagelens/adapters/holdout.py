"""The frozen holdout of a specialty, out of its snapshots."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from triagelens.adapters.dynamodb.tables import RegistryItem, bind
from triagelens.adapters.s3 import read_object
from triagelens.domain.datasets import Dataset
from triagelens.domain.gate import HoldoutImage
from triagelens.domain.snapshots import SnapshotEntry, manifest_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATASETS = "DATASETS"


class SnapshotHoldout:
    """`inference.ports.Holdout`: every image that a snapshot of the specialty holds out, once.

    An image that several snapshots hold out has the label of the latest.
    """

    def __init__(self, table_name: str, region: str, client: "S3Client", learning_bucket: str) -> None:
        bind(RegistryItem, table_name, region)
        self._client = client
        self._bucket = learning_bucket

    def images(self, specialty: str) -> Sequence[HoldoutImage]:
        found: dict[str, HoldoutImage] = {}
        for snapshot_id in self._snapshots(specialty):
            for entry in self._entries(snapshot_id):
                if entry.split == "held_out":
                    found[entry.sha256] = HoldoutImage(
                        bucket=entry.bucket,
                        key=entry.key,
                        object_version=entry.object_version,
                        sha256=entry.sha256,
                        label=entry.label,
                        group=entry.group,
                    )
        return [found[sha256] for sha256 in sorted(found)]

    def _snapshots(self, specialty: str) -> Iterator[str]:
        """Of all datasets of the specialty, by age."""
        ids = [item.sk for item in RegistryItem.query(DATASETS, consistent_read=True)]
        for dataset_id in sorted(ids):
            item = RegistryItem.get(f"DATASET#{dataset_id}", "META", consistent_read=True)
            dataset = Dataset.model_validate(item.body)
            if dataset.specialty == specialty:
                yield from dataset.snapshot_ids

    def _entries(self, snapshot_id: str) -> Iterator[SnapshotEntry]:
        data = read_object(self._client, Bucket=self._bucket, Key=manifest_key(snapshot_id))
        for line in data.splitlines():
            yield SnapshotEntry.model_validate_json(line)


class S3HoldoutFiles:
    """`inference.ports.HoldoutFiles`.

    Args:
        buckets: the buckets' real names by what a snapshot calls them.
    """

    def __init__(self, client: "S3Client", buckets: dict[str, str]) -> None:
        self._client = client
        self._buckets = buckets

    def read(self, image: HoldoutImage) -> bytes:
        version = {} if image.object_version is None else {"VersionId": image.object_version}
        return read_object(self._client, Bucket=self._buckets[image.bucket], Key=image.key, **version)
