"""Counters in the casework table.

A counter is spread over a few partitions, by the record that is counted, so that no single one takes every
write; reading adds them up.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from zlib import crc32

from pynamodb.expressions.condition import Condition

from triagelens.adapters.dynamodb.casework import META
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError
from triagelens.domain.statistics import DAY, TOTAL, Counted

SHARDS = 4
STATISTICS = "STATS"
COUNTED = "COUNTED"
BEHIND = "~"  # sorts behind everything that a facet may begin with


class DynamoTally:
    """`services.counting.Tally` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)

    def counted(self, record: str) -> Counted | None:
        try:
            item = CaseworkItem.get(f"{COUNTED}#{record}", META, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            return None
        return Counted.model_validate({**item.body, "record": record, "lock": item.version})

    def count(self, before: Counted | None, after: Counted) -> None:
        parts = Parts()
        noted = CaseworkItem(
            f"{COUNTED}#{after.record}",
            META,
            kind="counted",
            body={"version": after.version, "facets": sorted(after.facets)},
            version=before and before.lock,
        )
        parts.put(noted, ConflictError("The record was counted meanwhile."))
        former = frozenset() if before is None else before.facets
        shard = crc32(after.record.encode()) % SHARDS
        for facets, step in ((after.facets - former, 1), (former - after.facets, -1)):
            for facet in sorted(facets):
                parts.update(
                    CaseworkItem(f"{STATISTICS}#{shard}", facet),
                    [
                        CaseworkItem.kind.set("counter"),
                        CaseworkItem.body.set({}),
                        CaseworkItem.counter.add(step),
                    ],
                    ConflictError("A counter takes every step."),
                )
        parts.write(self._connection)

    def totals(self) -> Mapping[str, int]:
        return _sums(CaseworkItem.sk.startswith(f"{TOTAL}#"))

    def days(self, first: date, last: date) -> Mapping[str, int]:
        return _sums(CaseworkItem.sk.between(f"{DAY}#{first}#", f"{DAY}#{last}#{BEHIND}"))


def _sums(facets: Condition) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for shard in range(SHARDS):
        for item in CaseworkItem.query(f"{STATISTICS}#{shard}", facets, consistent_read=True):
            sums[item.sk] += int(item.counter or 0)
    return {facet: count for facet, count in sums.items() if count}
