"""Panels of readers in the casework table."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pynamodb.exceptions import DeleteError

from triagelens.adapters.dynamodb.case_items import case_from_item, case_pk, history_item
from triagelens.adapters.dynamodb.case_lists import MONTHS
from triagelens.adapters.dynamodb.casework import META
from triagelens.adapters.dynamodb.months import Months, check_cursor
from triagelens.adapters.dynamodb.panel_items import (
    GOLD,
    PAIR,
    PANEL,
    PATTERN,
    agreement_pk,
    disputed_partition,
    gold_from_item,
    gold_item,
    gold_partition,
    panel_from_item,
    panel_item,
    training_partition,
)
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import is_erased, not_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import LABELLED, Case, HistoryEntry
from triagelens.domain.errors import ConflictError, NotFoundError, TransitionError
from triagelens.domain.panels import Panel
from triagelens.services.panel_ports import GoldCase, PairCounts, TrainingCase
from triagelens.services.ports import Page

PANEL_CHANGED = "Somebody has just labelled or settled this case; read it again."


class DynamoPanels:
    """`services.panel_ports.PanelRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)
        self._months = Months(MONTHS)

    def panel(self, case: Case) -> Panel:
        found = self.panels([case.case_id])
        return found.get(case.case_id, Panel(case_id=case.case_id, specialty=case.specialty))

    def panels(self, case_ids: Sequence[str]) -> dict[str, Panel]:
        keys = [(case_pk(case_id), PANEL) for case_id in case_ids]
        if not keys:
            return {}
        panels = [panel_from_item(item) for item in CaseworkItem.batch_get(keys, consistent_read=True)]
        return {panel.case_id: panel for panel in panels}

    def write_panel(self, panel: Panel, entry: HistoryEntry) -> Panel:
        parts, item = Parts(), panel_item(panel)
        open_to_it = CaseworkItem.status.is_in(*sorted(LABELLED))
        closed = TransitionError("The case was rejected.")
        parts.check(CaseworkItem, case_pk(panel.case_id), META, open_to_it, closed)
        parts.put(item, ConflictError(PANEL_CHANGED))
        parts.put(history_item(entry), ConflictError("This change was written before."))
        parts.write(self._connection)
        return panel.model_copy(update={"version": item.version})

    def disputed(self, specialty: str, limit: int, cursor: str | None) -> Page[Panel]:
        check_cursor(cursor)
        behind = None if cursor is None else CaseworkItem.gsi1sk > cursor
        query = CaseworkItem.gsi1.query(disputed_partition(specialty), behind, limit=limit + 1)
        found = [panel_from_item(item) for item in query]
        shown = found[:limit]
        return Page(shown, shown[-1].case_id if len(found) > limit else None)

    def pair_counts(self, specialty: str) -> Sequence[PairCounts]:
        def readers(item: CaseworkItem) -> tuple[str, str]:
            first, second = item.body["readers"]
            return first, second

        # The key begins with the readers, so that those of a pair stand together.
        found = groupby(_counted(specialty, PAIR), readers)
        return [PairCounts(pair, _confusion(items)) for pair, items in found]

    def patterns(self, specialty: str) -> Mapping[int, Sequence[tuple[Sequence[str], int]]]:
        found: dict[int, list[tuple[Sequence[str], int]]] = {}
        for item in _counted(specialty, PATTERN):
            labels, times = _labels_and_times(item)
            found.setdefault(len(labels), []).append((labels, times))
        return found

    def set_gold(self, gold: GoldCase) -> None:
        parts, item = Parts(), gold_item(gold)
        not_erased(parts, case_pk(gold.case_id), "There is no such case.")
        actions = [CaseworkItem.kind.set(item.kind), CaseworkItem.body.set(item.body)]
        actions += [CaseworkItem.gsi2pk.set(item.gsi2pk), CaseworkItem.gsi2sk.set(item.gsi2sk)]
        parts.update(item, actions, ConflictError("The gold case has just been set otherwise; try again."))
        parts.write(self._connection)

    def remove_gold(self, case_id: str) -> None:
        try:
            CaseworkItem(case_pk(case_id), GOLD).delete(CaseworkItem.pk.exists(), add_version_condition=False)
        except DeleteError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            raise NotFoundError("This is no gold case.") from error

    def gold_cases(self, specialty: str) -> Iterator[GoldCase]:
        for item in CaseworkItem.gsi2.query(gold_partition(specialty)):
            yield gold_from_item(item)

    def training_cases(self, specialty: str) -> Iterator[TrainingCase]:
        for month in self._months.behind(None):
            partition = training_partition(specialty, month)
            for item in CaseworkItem.gsi2.query(partition, scan_index_forward=False):
                found = self._training_case(panel_from_item(item).case_id)
                if found is not None:
                    yield found

    def _training_case(self, case_id: str) -> TrainingCase | None:
        """The case and its panel as they are now; the index may lag behind."""
        keys = [(case_pk(case_id), META), (case_pk(case_id), PANEL)]
        items = {item.sk: item for item in CaseworkItem.batch_get(keys, consistent_read=True)}
        if len(items) < len(keys) or is_erased(items[META]):
            return None
        case, panel = case_from_item(items[META]), panel_from_item(items[PANEL])
        if case.status not in LABELLED or panel.training_label is None or panel.decided_at is None:
            return None
        return TrainingCase(
            case_id=case.case_id,
            specialty=case.specialty,
            image_ids=case.image_ids,
            patient_id=case.patient_id,
            training_label=panel.training_label,
            decided_at=panel.decided_at,
        )


def _counted(specialty: str, prefix: str) -> Iterator[CaseworkItem]:
    return iter(
        CaseworkItem.query(agreement_pk(specialty), CaseworkItem.sk.startswith(prefix), consistent_read=True)
    )


def _confusion(items: Iterator[CaseworkItem]) -> dict[tuple[str, str], int]:
    found = map(_labels_and_times, items)
    return {(labels[0], labels[1]): times for labels, times in found}


def _labels_and_times(item: CaseworkItem) -> tuple[list[str], int]:
    return item.body["labels"], int(item.counter)
