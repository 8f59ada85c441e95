"""What was done by whom: entries of the audit trail.

An entry holds opaque ids only, never a name, an address or a file name, so that keeping the trail and
erasing a person do not fight. `reason` is the one free text: why an admin broke the glass.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

NOBODY = "anonymous"


class Outcome(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"


class AuditEntry(BaseModel):
    """One thing that happened.

    Attributes:
        entry_id: ULID; entries of a day sort by it.
        actor: `sub` of the person, or `anonymous` where nobody was known yet.
        action: what was tried, as `thing.verb`.
        subject: opaque id of what it was done to.
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
