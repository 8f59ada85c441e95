"""The day's chain: each link's hash covers the entry and the hash before it, and the last one is signed.

Whoever changes, removes, adds or moves an entry changes every hash after it, and would have to sign again.
The client computes the same on its own (`triagelens audit verify`); a test holds the two together.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

ALGORITHM: Final = "ECDSA_SHA_256"


def canonical(document: Mapping[str, Any]) -> bytes:
    """A JSON document in its one form: keys sorted, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def genesis(day: date) -> str:
    """What the first link of a day stands on."""
    return hashlib.sha256(f"triagelens audit {day:%Y-%m-%d}".encode()).hexdigest()


def link_hash(previous: str, entry: Mapping[str, Any]) -> str:
    """sha256 over the hash before (32 bytes) and the canonical entry, in hex."""
    return hashlib.sha256(bytes.fromhex(previous) + canonical(entry)).hexdigest()


class Link(BaseModel):
    """One entry in its place.

    Attributes:
        number: from 1, without a gap.
        entry: the entry as it was when it was written, whatever becomes of it in the table.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    previous: str
    hash: str
    entry: dict[str, Any]

    @property
    def line(self) -> bytes:
        """The link as one line of the export."""
        return canonical(self.model_dump()) + b"\n"


class Head(BaseModel):
    """What is signed of a day: how many links there are, where they end, and which day came before."""

    model_config = ConfigDict(frozen=True)

    day: date
    count: int
    head: str
    previous_day: date | None = None
    previous_head: str | None = None

    @property
    def statement(self) -> bytes:
        """The bytes that are signed."""
        return canonical(self.model_dump(mode="json"))


class Seal(BaseModel):
    """A day that is closed.

    Attributes:
        signature: of `head.statement`, DER in base64.
        public_key: to check it with, DER in base64. Who does not trust the API pins their own copy.
    """

    model_config = ConfigDict(frozen=True)

    head: Head
    signature: str
    public_key: str
    algorithm: str = ALGORITHM


def chain_on(last: str, number: int, entries: Iterable[Mapping[str, Any]]) -> list[Link]:
    """Links for entries, in their order, after the link `number` whose hash is `last`."""
    links: list[Link] = []
    for entry in entries:
        number, previous, last = number + 1, last, link_hash(last, entry)
        links.append(Link(number=number, previous=previous, hash=last, entry=dict(entry)))
    return links


def is_whole(day: date, links: Sequence[Link]) -> bool:
    """Whether these are all links of a day in their order, none changed."""
    return list(links) == chain_on(genesis(day), 0, [link.entry for link in links])
