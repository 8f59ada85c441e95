"""Which snapshots hold an image, and which models were trained on them, by the registry table."""

from collections.abc import Iterator, Sequence

from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.snapshots import DynamoSnapshots
from triagelens.domain.models import RegisteredModel
from triagelens.domain.specialties import SPECIALTIES

PAGE = 50


class DynamoLearning:
    """`services.erasure_ports.Learning` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        self._snapshots = DynamoSnapshots(table_name, region)
        self._registry = DynamoRegistry(table_name, region)

    def snapshots_with(self, image_id: str) -> Sequence[str]:
        return self._snapshots.snapshots_with(image_id)

    def models_from(self, snapshot_ids: frozenset[str]) -> Sequence[str]:
        return [
            f"{model.specialty}/{model.version}"
            for specialty in SPECIALTIES
            for model in self._models_of(specialty)
            if model.training is not None and model.training.dataset_snapshot in snapshot_ids
        ]

    def _models_of(self, specialty: str) -> Iterator[RegisteredModel]:
        cursor = None
        while True:
            page = self._registry.models_of(specialty, PAGE, cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return
