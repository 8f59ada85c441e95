"""Counters in memory, with the same promises as the table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from triagelens.domain.errors import ConflictError
from triagelens.domain.statistics import Counted


@dataclass
class FakeTally:
    notes: dict[str, Counted] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)

    def counted(self, record: str) -> Counted | None:
        return self.notes.get(record)

    def count(self, before: Counted | None, after: Counted) -> None:
        if self.notes.get(after.record) != before:
            raise ConflictError("The record was counted meanwhile.")
        former = frozenset() if before is None else before.facets
        self.counters.update(dict.fromkeys(after.facets - former, 1))
        self.counters.subtract(dict.fromkeys(former - after.facets, 1))
        self.notes[after.record] = after

    def totals(self) -> Mapping[str, int]:
        return {name: n for name, n in self.counters.items() if n and name.startswith("all#")}

    def days(self, first: date, last: date) -> Mapping[str, int]:
        found = {name: n for name, n in self.counters.items() if n and name.startswith("day#")}
        return {name: n for name, n in found.items() if f"{first}" <= name.split("#")[1] <= f"{last}"}
