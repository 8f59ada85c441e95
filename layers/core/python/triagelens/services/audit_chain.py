"""Chaining the audit trail, off the request path: one consumer links entries, another closes days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from triagelens.domain.audit_chain import Head, Seal, chain_on, genesis, is_whole
from triagelens.domain.errors import ConflictError, TriagelensError
from triagelens.services.audit_ports import AuditExports, ChainRecords, Signer
from triagelens.services.ports import Clock

LINKS_AT_ONCE = 25  # a link is two items, and a transaction takes 100
TRIES = 5
# Longer than any invocation of the linking function lasts: none of yesterday's is still under way.
CLOSED_AFTER = timedelta(minutes=15)


class BrokenChainError(TriagelensError):
    """The links of a day are not as they were made. Somebody has been at the table."""

    code = "broken_chain"


@dataclass(frozen=True)
class Chain:
    records: ChainRecords
    clock: Clock

    def link(self, entries: Sequence[Mapping[str, Any]]) -> int:
        """Puts entries at the end of today's chain, in their order; those that have a link are passed over.

        The day is that of linking: a late entry is never missing, only in the next day's chain.

        Returns:
            how many links were made.

        Raises:
            ConflictError: somebody else kept linking at the same time.
        """
        made = 0
        for start in range(0, len(entries), LINKS_AT_ONCE):
            made += self._link_some(entries[start : start + LINKS_AT_ONCE])
        return made

    def _link_some(self, entries: Sequence[Mapping[str, Any]]) -> int:
        for _ in range(TRIES):
            known = self.records.linked(entry["entry_id"] for entry in entries)
            new = {entry["entry_id"]: entry for entry in entries if entry["entry_id"] not in known}
            if not new:
                return 0
            day = self.clock().date()
            last = self.records.last_link(day)
            end, number = (genesis(day), 0) if last is None else (last.hash, last.number)
            try:
                self.records.add_links(day, chain_on(end, number, new.values()))
            except ConflictError:
                continue
            return len(new)
        raise ConflictError("The chain keeps growing elsewhere.")


@dataclass(frozen=True)
class Sealing:
    """Closes days: export first, seal second, so that a seal always has its export."""

    records: ChainRecords
    exports: AuditExports
    signer: Signer
    clock: Clock

    def close_due(self) -> list[date]:
        """Closes every day that is over, in their order, days without entries too. Safe to repeat.

        Raises:
            BrokenChainError: a day's links are not whole. It stays open, and so do those after it.
        """
        closed: list[date] = []
        before = self.records.last_seal()
        day = self.records.first_day() if before is None else before.head.day + timedelta(days=1)
        last_due = (self.clock() - CLOSED_AFTER).date() - timedelta(days=1)
        while day is not None and day <= last_due:
            before = self._close(day, before)
            closed.append(day)
            day += timedelta(days=1)
        return closed

    def _close(self, day: date, before: Seal | None) -> Seal:
        for _ in range(TRIES):
            links = self.records.links(day)
            if not is_whole(day, links):
                raise BrokenChainError(f"The links of {day} are not as they were made.")
            head = Head(
                day=day,
                count=len(links),
                head=links[-1].hash if links else genesis(day),
                previous_day=before.head.day if before else None,
                previous_head=before.head.head if before else None,
            )
            signature = self.signer.sign(head.statement)
            seal = Seal(head=head, signature=signature, public_key=self.signer.public_key())
            self.exports.write(day, (link.line for link in links), seal)
            try:
                self.records.add_seal(seal)
            except ConflictError:  # a late link, or another run
                sealed = self.records.last_seal()
                if sealed is not None and sealed.head.day >= day:
                    return sealed
                continue
            return seal
        raise ConflictError(f"{day} keeps growing.")
