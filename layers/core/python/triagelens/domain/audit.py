"""What was done by whom: entries of the audit trail.

An entry holds opaque ids only, never a name, an address or a file name, so that keeping the trail and
erasing a person do not fight. `reason` is the one free text: why an admin broke the glass.
"""

from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network

from pydantic import BaseModel, ConfigDict

NOBODY = "anonymous"
# Subject of what was done to no one thing: a list, a search, an account that was never found.
NOTHING = "-"
# How much of an address is kept: enough to tell a clinic's network from elsewhere, too little for a home.
PREFIX_V4, PREFIX_V6 = 24, 48


class Outcome(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"  # a fault of ours: what was asked for may have been done, or half of it


class AuditEntry(BaseModel):
    """One thing that happened.

    Attributes:
        entry_id: ULID; entries of a day sort by it.
        actor: `sub` of the person, or `anonymous` where nobody was known yet.
        action: what was tried, as `thing.verb`, or as method and route where no use case has a word for it.
        subject: opaque id of what it was done to, or `-`.
        source: network that the request came from; None where there was no request.
    """

    model_config = ConfigDict(frozen=True)

    entry_id: str
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: Outcome
    correlation_id: str
    reason: str | None = None
    source: str | None = None


def network_of(address: str | None) -> str | None:
    """The /24 (IPv4) or /48 (IPv6) network of an address; None for what is no address."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return None
    mapped = getattr(known, "ipv4_mapped", None)
    if mapped is not None:
        known = mapped
    prefix = PREFIX_V4 if known.version == 4 else PREFIX_V6
    return str(ip_network(f"{known}/{prefix}", strict=False))
