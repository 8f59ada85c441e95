"""The audit table's stream: new entries, and signs that somebody has been at the table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

NEW = "INSERT"


@dataclass(frozen=True)
class Touched:
    """An item that should never have been: changed, removed, or no entry at all. Its keys are opaque."""

    what: str
    pk: str
    sk: str


def audit_changes(records: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Touched]]:
    """New entries as documents in their order, and items that somebody has touched."""
    entries: list[dict[str, Any]] = []
    touched: list[Touched] = []
    for record in records:
        keys = record["dynamodb"]["Keys"]
        pk, sk = keys["pk"]["S"], keys["sk"]["S"]
        entry = _entry(record["dynamodb"].get("NewImage", {}))
        if record["eventName"] != NEW:
            touched.append(Touched(record["eventName"], pk, sk))
        elif pk.startswith("DAY#") and entry is None:
            touched.append(Touched("UNREADABLE", pk, sk))
        elif pk.startswith("DAY#") and entry is not None:
            entries.append(entry)
    return entries, touched


def _entry(image: dict[str, Any]) -> dict[str, Any] | None:
    """The entry as it was written, field for field; None for what is none."""
    try:
        body = json.loads(image["body"]["S"])
    except (KeyError, ValueError):
        return None
    return body if isinstance(body, dict) and body.get("entry_id") == image["sk"]["S"] else None
