"""What a migration came to: of each record whether it was taken over, and if not why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from triagelens_client.migrate.records import AS_ADMIN, Kind, Store


class Outcome(StrEnum):
    """What became of a record.

    TAKEN: it is on the platform now. BEFORE: it was already. LEFT_OUT: it cannot be taken over, for a
    reason that another run would not change. FAILED: it was to be taken over and is not, or not wholly.
    """

    TAKEN = "taken"
    BEFORE = "before"
    LEFT_OUT = "left_out"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """What became of one record.

    Attributes:
        new_id: on the platform.
        number: a case's new one.
        remarks: why it was left out or failed, or what of it did not come over.
    """

    kind: Kind
    ref: str
    outcome: Outcome
    new_id: str | None = None
    remarks: tuple[str, ...] = ()
    number: int | None = None


@dataclass
class Report:
    """All that became of one store.

    Attributes:
        stopped: why the migration ended early, if it did.
    """

    system: str
    api: str | None
    dry_run: bool
    entries: list[Entry] = field(default_factory=list)
    stopped: str | None = None

    @classmethod
    def begun(cls, store: Store, api: str | None, *, dry_run: bool) -> "Report":
        """A report that has what the reader could not make anything of."""
        unfit = [Entry(one.kind, one.ref, Outcome.LEFT_OUT, None, (one.reason,)) for one in store.unfit]
        return cls(store.system, api, dry_run, unfit)

    @property
    def has_failed(self) -> bool:
        return self.stopped is not None or any(entry.outcome is Outcome.FAILED for entry in self.entries)

    @property
    def admins(self) -> list[str]:
        """Who comes as an admin."""
        return [entry.ref for entry in self.entries if entry.kind is Kind.USER and AS_ADMIN in entry.remarks]

    def counts(self) -> dict[Kind, Counter[Outcome]]:
        """How many records of each kind came to what; kinds without a record are left out."""
        found = Counter((entry.kind, entry.outcome) for entry in self.entries)
        kinds = [kind for kind in Kind if any(of == kind for of, _ in found)]
        return {kind: Counter({one: found[kind, one] for one in Outcome}) for kind in kinds}

    def remarks(self) -> Iterable[tuple[str, int]]:
        """Each reason or remark with how often it was made, the most frequent first."""
        return Counter(remark for entry in self.entries for remark in entry.remarks).most_common()

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "system": self.system,
            "api": self.api,
            "dry_run": self.dry_run,
            "stopped": self.stopped,
            "counts": {str(kind): dict(sorted(counts.items())) for kind, counts in self.counts().items()},
            "records": [
                {
                    "kind": str(entry.kind),
                    "ref": entry.ref,
                    "outcome": str(entry.outcome),
                    "id": entry.new_id,
                    **({} if entry.number is None else {"number": entry.number}),
                    "remarks": list(entry.remarks),
                }
                for entry in self.entries
            ],
        }
