"""Whether the audit trail is as it was written, found out without trusting who serves it.

Each line of a day's export holds an entry, its number, the hash before it and its own: sha256 over the hash
before (32 bytes) and the entry as canonical JSON. The last hash is signed, together with that of the day
before. Whoever edits, removes, adds or moves an entry has to sign again.
"""

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from triagelens_client.audit_models import AuditDay

ALGORITHM = "ECDSA_SHA_256"
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        kind: `edited`, `deleted`, `inserted`, `reordered`, `unreadable`, `head`, `signature` or `day`.
    """

    day: date
    kind: str
    message: str


def canonical(document: Document) -> bytes:
    """A JSON document in its one form: keys sorted, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def genesis(day: date) -> str:
    return hashlib.sha256(f"triagelens audit {day:%Y-%m-%d}".encode()).hexdigest()


def link_hash(previous: str, entry: Document) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + canonical(entry)).hexdigest()


def fingerprint(public_key: str) -> str:
    """sha256 of a public key's DER, to compare with what `aws kms get-public-key` gives."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()


def check_days(days: Sequence[AuditDay], pinned_key: str | None) -> list[Finding]:
    """Checks signatures, and that each day (oldest first) follows the one before, none left out.

    Args:
        pinned_key: DER in base64; without one, each day's own has to be the same as the last day's.
    """
    key = pinned_key or (days[-1].public_key if days else None)
    found = [finding for day in days for finding in _check_signature(day, key)]
    for before, day in itertools.pairwise(days):
        if day.day != before.day + timedelta(days=1):
            found.append(Finding(day.day, "day", f"days are missing between {before.day} and {day.day}"))
        elif (day.previous_day, day.previous_head) != (before.day, before.head):
            found.append(Finding(day.day, "day", f"it does not follow {before.day} as it was signed"))
    return found


def _check_signature(day: AuditDay, key: str | None) -> list[Finding]:
    if day.public_key != key or day.algorithm != ALGORITHM:
        return [Finding(day.day, "signature", "it was signed with another key")]
    statement = {
        "day": day.day.isoformat(),
        "count": day.count,
        "head": day.head,
        "previous_day": day.previous_day.isoformat() if day.previous_day else None,
        "previous_head": day.previous_head,
    }
    try:
        public = serialization.load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise InvalidSignature
        public.verify(base64.b64decode(day.signature), canonical(statement), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return [Finding(day.day, "signature", "the signature does not fit what was signed")]
    return []


def check_links(day: AuditDay, export: bytes) -> tuple[list[Document], list[Finding]]:
    """The entries of a day's export, and what is wrong with its chain."""
    links, found = _read(day.day, export)
    numbers = [link["number"] for link in links]
    if numbers != sorted(numbers):
        found.append(Finding(day.day, "reordered", "lines are not in their order"))
    there = set(numbers)
    lost = set(range(1, day.count + 1)) - there
    found += [Finding(day.day, "deleted", f"link {number} is missing") for number in sorted(lost)]
    if len(numbers) != len(there) or any(number > day.count for number in numbers):
        found.append(Finding(day.day, "inserted", f"there are more than the {day.count} links of the day"))
    hashes_before = {0: genesis(day.day)}
    for link in sorted(links, key=lambda link: link["number"]):
        number, before = link["number"], hashes_before.get(link["number"] - 1)
        if link_hash(link["previous"], link["entry"]) != link["hash"]:
            found.append(Finding(day.day, "edited", f"link {number} does not have its hash"))
        elif before is not None and link["previous"] != before:
            found.append(Finding(day.day, "edited", f"link {number} does not follow the one before"))
        hashes_before[number] = link["hash"]
    if hashes_before.get(day.count) != day.head:
        found.append(Finding(day.day, "head", "the chain does not end where it was signed"))
    return [link["entry"] for link in links], found


def _read(day: date, export: bytes) -> tuple[list[dict[str, Any]], list[Finding]]:
    links: list[dict[str, Any]] = []
    found: list[Finding] = []
    for position, line in enumerate(export.splitlines(), start=1):
        try:
            link = json.loads(line)
            link_hash(link["previous"], link["entry"])
            if type(link["number"]) is not int or not isinstance(link["hash"], str):
                raise TypeError
            if not isinstance(link["entry"]["entry_id"], str):
                raise TypeError
        except (KeyError, TypeError, ValueError):
            found.append(Finding(day, "unreadable", f"line {position} is no link"))
        else:
            links.append(link)
    return links, found


def check_table(
    chained: Iterable[Document], served: Iterable[Document], days: Sequence[AuditDay]
) -> list[Finding]:
    """Compares the entries of the exports with those that the API serves from its table.

    Entries of the last of these `days` may still be on their way to the next day's chain, and those of before
    the first may be in a chain that is not looked at: of them it is not told that they were never chained.
    """
    kept = {entry["entry_id"]: _told(entry) for entry in chained}
    there = {entry["entry_id"]: _told(entry) for entry in served}
    found: list[Finding] = []
    for entry_id, entry in kept.items():
        if entry_id not in there:
            found.append(Finding(_day_of(entry), "deleted", f"entry {entry_id} is gone from the table"))
        elif there[entry_id] != entry:
            found.append(Finding(_day_of(entry), "edited", f"entry {entry_id} is another in the table"))
    for entry_id, entry in there.items():
        if entry_id not in kept and days[0].day <= _day_of(entry) < days[-1].day:
            found.append(Finding(_day_of(entry), "inserted", f"entry {entry_id} was never chained"))
    return found


def _told(entry: Document) -> dict[str, Any]:
    """An entry without what it does not say: older ones lack fields that are null in newer ones."""
    return {name: value for name, value in entry.items() if value is not None}


def _day_of(entry: Document) -> date:
    return date.fromisoformat(str(entry["at"])[:10])
