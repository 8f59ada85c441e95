"""Replays in the registry table, and the walk through the images that they score."""

from collections.abc import Sequence
from typing import Any

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.casework import IMAGE, META, image_from_item
from triagelens.adapters.dynamodb.tables import CaseworkItem, RegistryItem, bind
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.replay import Position, Replay
from triagelens.services.ports import Clock

# How far back the walk goes. A month without images costs one query.
MOST_MONTHS = 120


class DynamoReplays:
    """`services.replays.ReplayRecords`."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(RegistryItem, table_name, region)

    def replay(self, replay_id: str) -> Replay:
        try:
            item = RegistryItem.get(f"REPLAY#{replay_id}", META, consistent_read=True)
        except RegistryItem.DoesNotExist:
            raise NotFoundError("There is no such replay.") from None
        document: dict[str, Any] = item.body
        return Replay.model_validate({**document, "lock": item.version})

    def put_replay(self, replay: Replay) -> Replay:
        item = RegistryItem(
            f"REPLAY#{replay.replay_id}",
            META,
            kind="replay",
            body=replay.model_dump(mode="json", exclude={"lock"}),
            version=replay.lock,
        )
        try:
            item.save()
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise ConflictError("The replay has changed since it was read.") from error
            raise
        return replay.model_copy(update={"lock": item.version})


class DynamoAnalysedImages:
    """`services.replays.AnalysedImages`, by the index of status and month."""

    def __init__(self, table_name: str, region: str, clock: Clock) -> None:
        bind(CaseworkItem, table_name, region)
        self._clock = clock

    def behind(self, position: Position | None, most: int) -> Sequence[tuple[Position, ImageRecord]]:
        found: list[tuple[Position, ImageRecord]] = []
        now = self._clock()
        current = position or Position(month=f"{now:%Y%m}")
        for _ in range(MOST_MONTHS):
            found += self._of_month(current, most - len(found))
            if len(found) == most:
                break
            current = Position(month=_month_before(current.month))
        return found

    def _of_month(self, behind: Position, most: int) -> list[tuple[Position, ImageRecord]]:
        condition = None if behind.image_id is None else CaseworkItem.gsi2sk < behind.image_id
        items = CaseworkItem.gsi2.query(
            f"{IMAGE}#{ImageStatus.ANALYZED}#{behind.month}",
            condition,
            scan_index_forward=False,
            limit=most,
        )
        records = [image_from_item(item) for item in items]
        return [(Position(month=behind.month, image_id=record.image_id), record) for record in records]


def _month_before(month: str) -> str:
    """The calendar month before `yyyymm`."""
    year, number = int(month[:4]), int(month[4:])
    return f"{year - 1}12" if number == 1 else f"{year}{number - 1:02}"
