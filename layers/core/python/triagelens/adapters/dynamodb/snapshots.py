"""Records of snapshots in the registry table, and which of the platform's images are in them."""

from collections.abc import Sequence

from triagelens.adapters.dynamodb.tables import RegistryItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.snapshots import Snapshot

SNAPSHOT = "SNAP#"
META = "META"


class DynamoSnapshots:
    """`services.snapshot_ports.Snapshots` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)
        self._connection = transaction_connection(region)

    def add(self, snapshot: Snapshot, platform_images: Sequence[str]) -> Snapshot:
        sk = f"{SNAPSHOT}{snapshot.snapshot_id}"
        with RegistryItem.batch_write() as batch:
            for image_id in platform_images:
                batch.save(RegistryItem(f"IMG#{image_id}", sk, kind="image_in_snapshot", body={}))
        known = ConflictError("This snapshot is known already.")
        body = snapshot.model_dump(mode="json")
        parts = Parts()
        parts.put(RegistryItem(sk, META, kind="snapshot", body=body), known)
        if snapshot.dataset_id is not None:
            pk = f"DATASET#{snapshot.dataset_id}"
            parts.put(RegistryItem(pk, sk, kind="snapshot_of_dataset", body=body), known)
        try:
            parts.write(self._connection)
        except ConflictError:
            return self.snapshot(snapshot.snapshot_id)
        return snapshot

    def snapshot(self, snapshot_id: str) -> Snapshot:
        try:
            item = RegistryItem.get(f"{SNAPSHOT}{snapshot_id}", META, consistent_read=True)
        except RegistryItem.DoesNotExist:
            raise NotFoundError("There is no such snapshot.") from None
        return Snapshot.model_validate(item.body)

    def snapshots_of(self, dataset_id: str) -> list[str]:
        return _ids(f"DATASET#{dataset_id}")

    def snapshots_with(self, image_id: str) -> list[str]:
        return _ids(f"IMG#{image_id}")


def _ids(pk: str) -> list[str]:
    found = RegistryItem.query(pk, RegistryItem.sk.startswith(SNAPSHOT), consistent_read=True)
    return [item.sk.removeprefix(SNAPSHOT) for item in found]
