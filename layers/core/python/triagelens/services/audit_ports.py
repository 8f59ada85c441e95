"""What chaining and sealing the audit trail need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from triagelens.domain.audit import AuditEntry
from triagelens.domain.audit_chain import Link, Seal
from triagelens.services.ports import Page


@dataclass(frozen=True)
class Question:
    """Which entries: of one day, of one actor, or about one subject."""

    day: date | None = None
    actor: str | None = None
    subject: str | None = None


class AuditReader(Protocol):
    def entries(self, question: Question, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Entries, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def seals(self, limit: int, cursor: str | None) -> Page[Seal]:
        """Closed days, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def seal(self, day: date) -> Seal:
        """A closed day.

        Raises:
            NotFoundError: the day is not closed.
        """


class ChainRecords(Protocol):
    """Links and seals. They are only ever added."""

    def last_link(self, day: date) -> Link | None: ...

    def linked(self, entry_ids: Iterable[str]) -> set[str]:
        """Those of these entries that have their link, on whatever day."""

    def add_links(self, day: date, links: Sequence[Link]) -> None:
        """Adds all of them or none.

        Raises:
            ConflictError: a place or an entry was taken meanwhile, or the day is closed.
        """

    def links(self, day: date) -> list[Link]:
        """Every link of a day, in its order."""

    def first_day(self) -> date | None:
        """The first day that has a link."""

    def last_seal(self) -> Seal | None: ...

    def add_seal(self, seal: Seal) -> None:
        """Closes a day.

        Raises:
            ConflictError: there are more links than the seal tells of, or the day is closed.
        """


class Signer(Protocol):
    def sign(self, statement: bytes) -> str:
        """The signature (ECDSA over P-256 with SHA-256), DER in base64."""

    def public_key(self) -> str:
        """The key to check it with, DER in base64."""


class AuditExports(Protocol):
    """Where closed days are kept beyond anybody's reach."""

    def write(self, day: date, lines: Iterable[bytes], seal: Seal) -> None: ...

    def url(self, day: date) -> str:
        """A short-lived link to a day's lines."""
