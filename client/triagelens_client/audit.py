"""The audit trail, for admins: look at it, and find out whether anybody has touched it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx

from triagelens_client.audit_check import Document, Finding, check_days, check_links, check_table
from triagelens_client.audit_models import AuditDay, AuditEntry
from triagelens_client.http import Http, read_answer
from triagelens_client.models import Page, all_of
from triagelens_client.tokens import TokenProvider

PAGE = 100


@dataclass(frozen=True)
class Verification:
    """What `Audit.verify` has looked at and found.

    Attributes:
        public_key: that the signatures were checked with, DER in base64; None if there was no closed day.
    """

    days: int
    entries: int
    findings: tuple[Finding, ...]
    public_key: str | None


class Audit:
    """The audit trail. Made by `Triagelens`, as its `audit`; each method needs the role admin."""

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def entries(
        self, *, day: date | None = None, actor: str | None = None, subject: str | None = None
    ) -> Iterator[AuditEntry]:
        """Entries of one day, of one actor or about one subject, newest first; else today's."""
        return map(AuditEntry.model_validate, self._documents(day=day, actor=actor, subject=subject))

    def days(self) -> Iterator[AuditDay]:
        """Closed days, newest first."""

        def page(cursor: str | None) -> Page[AuditDay]:
            query = {"limit": PAGE, "cursor": cursor}
            return read_answer(Page[AuditDay], self._send("/days", query))

        return all_of(page)

    def day(self, day: date) -> AuditDay:
        """A closed day with the link to its export."""
        return read_answer(AuditDay, self._send(f"/days/{day.isoformat()}", {}))

    def export(self, day: date) -> bytes:
        """A closed day's links as JSON Lines."""
        return self._http.download(self.day(day).export_url or "")

    def verify(self, since: date | None = None, pinned_key: str | None = None) -> Verification:
        """Checks every closed day since then: signatures, chains, and the entries in the table.

        Args:
            pinned_key: public key, DER in base64, that you have from elsewhere than this API.
        """
        days = [day for day in self.days() if since is None or day.day >= since]
        days.reverse()
        findings = check_days(days, pinned_key)
        chained: list[Document] = []
        for day in days:
            entries, found = check_links(day, self.export(day.day))
            chained += entries
            findings += found
        if days:
            findings += check_table(chained, self._of_days(days), days)
        key = pinned_key or (days[-1].public_key if days else None)
        return Verification(len(days), len(chained), tuple(findings), key)

    def _of_days(self, days: list[AuditDay]) -> Iterator[Document]:
        """What the table holds of these days. A late entry of the day before is in the first day's chain."""
        first = days[0].day if days[0].previous_day is None else days[0].day - timedelta(days=1)
        for offset in range((days[-1].day - first).days + 1):
            yield from self._documents(day=first + timedelta(days=offset))

    def _documents(
        self, *, day: date | None = None, actor: str | None = None, subject: str | None = None
    ) -> Iterator[dict[str, Any]]:
        asked = {"day": day.isoformat() if day else None, "actor": actor, "subject": subject}

        def page(cursor: str | None) -> Page[dict[str, Any]]:
            return read_answer(
                Page[dict[str, Any]], self._send("", {**asked, "limit": PAGE, "cursor": cursor})
            )

        return all_of(page)

    def _send(self, path: str, query: dict[str, str | int | None]) -> httpx.Response:
        return self._http.send("GET", f"/v1/audit{path}", query=query, tokens=self._tokens)
