"""The audit chain in memory, with the same promises as its table, and a key that signs."""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes import FakeAuditTrail, page_of, stored_in
from triagelens.domain.audit import AuditEntry
from triagelens.domain.audit_chain import Link, Seal
from triagelens.domain.errors import ConflictError
from triagelens.services.audit_ports import Question
from triagelens.services.ports import Page


@dataclass
class FakeChain:
    """`on_write` lets something happen between reading and writing."""

    days: dict[date, list[Link]] = field(default_factory=dict)
    closed: dict[date, Seal] = field(default_factory=dict)
    on_write: Callable[[], None] = lambda: None

    def last_link(self, day: date) -> Link | None:
        return next(reversed(self.days.get(day, [])), None)

    def linked(self, entry_ids: Iterable[str]) -> set[str]:
        known = {link.entry["entry_id"] for links in self.days.values() for link in links}
        return known & set(entry_ids)

    def add_links(self, day: date, links: Sequence[Link]) -> None:
        self.on_write()
        there = self.days.setdefault(day, [])
        taken = self.linked(link.entry["entry_id"] for link in links)
        if day in self.closed or taken or links[0].number != len(there) + 1:
            raise ConflictError("The chain has changed since it was read.")
        there.extend(links)

    def links(self, day: date) -> list[Link]:
        return list(self.days.get(day, []))

    def first_day(self) -> date | None:
        return min(self.days, default=None)

    def last_seal(self) -> Seal | None:
        return self.closed[max(self.closed)] if self.closed else None

    def add_seal(self, seal: Seal) -> None:
        self.on_write()
        day = seal.head.day
        if day in self.closed or len(self.days.get(day, [])) > seal.head.count:
            raise ConflictError("The chain has changed since it was read.")
        self.closed[day] = seal


@dataclass
class FakeExports:
    lines: dict[date, bytes] = field(default_factory=dict)
    seals: dict[date, Seal] = field(default_factory=dict)

    def write(self, day: date, lines: Iterable[bytes], seal: Seal) -> None:
        self.lines[day], self.seals[day] = b"".join(lines), seal

    def url(self, day: date) -> str:
        return f"https://audit.example/days/{day}.jsonl"


@dataclass
class FakeSigner:
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def sign(self, statement: bytes) -> str:
        return base64.b64encode(self.key.sign(statement, ec.ECDSA(hashes.SHA256()))).decode()

    def public_key(self) -> str:
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()


@dataclass
class FakeAuditReader:
    """Of the entries that were written and the days that were closed."""

    trail: FakeAuditTrail
    chain: FakeChain

    def entries(self, question: Question, limit: int, cursor: str | None) -> Page[AuditEntry]:
        found = [
            entry
            for entry in self.trail.entries
            if (question.day in (None, entry.at.date()))
            and (question.actor in (None, entry.actor))
            and (question.subject in (None, entry.subject))
        ]
        return page_of(sorted(found, key=lambda e: e.entry_id, reverse=True), limit, cursor, "entry_id")

    def seals(self, limit: int, cursor: str | None) -> Page[Seal]:
        closed = [_Day(day, self.chain.closed[day]) for day in sorted(self.chain.closed, reverse=True)]
        page = page_of(closed, limit, cursor, "day")
        return Page([found.seal for found in page.items], page.cursor)

    def seal(self, day: date) -> Seal:
        return stored_in(self.chain.closed, day)


@dataclass(frozen=True)
class _Day:
    day: date
    seal: Seal
