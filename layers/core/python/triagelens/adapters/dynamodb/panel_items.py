"""Items of a case's panel, of what is counted of complete panels, and of gold cases."""

from datetime import datetime
from itertools import combinations

from triagelens.adapters.dynamodb.case_items import case_pk
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import month_of
from triagelens.domain.panels import Panel, PanelState
from triagelens.services.panel_ports import GoldCase

PANEL = "PANEL"
GOLD = "GOLD"
REVIEW = "REVIEW"
PAIR = "PAIR#"
PATTERN = "LABELS#"


def disputed_partition(specialty: str) -> str:
    """Where the disputed panels of a specialty are listed (first index)."""
    return f"DISPUTED#{specialty}"


def training_partition(specialty: str, month: str) -> str:
    """Where the panels of a specialty and month with a label that teaches are listed (second index)."""
    return f"TRAINING#{specialty}#{month}"


def gold_partition(specialty: str) -> str:
    """Where the gold cases of a specialty are listed (second index)."""
    return f"{GOLD}#{specialty}"


def agreement_pk(specialty: str) -> str:
    return f"AGREEMENT#{specialty}"


def panel_item(panel: Panel) -> CaseworkItem:
    disputed = panel.state is PanelState.DISPUTED
    teaches = panel.training_label is not None
    return CaseworkItem(
        case_pk(panel.case_id),
        PANEL,
        kind="panel",
        status=str(panel.state),
        body=panel.model_dump(mode="json", exclude={"version"}),
        gsi1pk=disputed_partition(panel.specialty) if disputed else None,
        gsi1sk=panel.case_id if disputed else None,
        gsi2pk=training_partition(panel.specialty, month_of(panel.case_id)) if teaches else None,
        gsi2sk=panel.case_id if teaches else None,
        version=panel.version,
    )


def panel_from_item(item: CaseworkItem) -> Panel:
    """The panel that an item holds."""
    return Panel.model_validate({**item.body, "version": item.version})


def gold_item(gold: GoldCase) -> CaseworkItem:
    return CaseworkItem(
        case_pk(gold.case_id),
        GOLD,
        kind="gold",
        body={
            "case_id": gold.case_id,
            "specialty": gold.specialty,
            "label": gold.label,
            "set_by": gold.set_by,
            "set_at": gold.set_at.isoformat(),
        },
        gsi2pk=gold_partition(gold.specialty),
        gsi2sk=gold.case_id,
    )


def gold_from_item(item: CaseworkItem) -> GoldCase:
    """The gold case that an item holds."""
    return GoldCase(**{**item.body, "set_at": datetime.fromisoformat(item.body["set_at"])})


def review_item_key(case_id: str) -> CaseworkItem:
    """The case's place in the review queue, to be removed."""
    return CaseworkItem(case_pk(case_id), REVIEW)


def count_panel(parts: Parts, panel: Panel) -> None:
    """Counts a panel whose blind readers are all in."""
    pk, busy = agreement_pk(panel.specialty), ConflictError("The labels could not be counted; try again.")
    given = sorted(panel.labels.values())
    _count(parts, CaseworkItem(pk, f"{PATTERN}{','.join(given)}"), {"labels": given}, busy)
    if len(panel.labels) == 2:  # the measure for two readers needs to know who they are
        [(first, second)] = combinations(sorted(panel.labels), 2)
        told = [panel.labels[first], panel.labels[second]]
        key = CaseworkItem(pk, f"{PAIR}{first}#{second}#{','.join(told)}")
        _count(parts, key, {"readers": [first, second], "labels": told}, busy)


def _count(parts: Parts, item: CaseworkItem, body: dict[str, list[str]], busy: ConflictError) -> None:
    parts.update(
        item,
        [
            CaseworkItem.kind.set("agreement"),
            CaseworkItem.body.set(body),
            CaseworkItem.counter.add(1),
        ],
        busy,
    )
