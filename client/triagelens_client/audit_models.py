"""What the API answers about the audit trail."""

from datetime import date, datetime

from triagelens_client.models import Answer


class AuditEntry(Answer):
    """Who did what, when, from where, and whether it was allowed. It names nobody.

    Attributes:
        source: network that the request came from.
    """

    entry_id: str
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    correlation_id: str
    reason: str | None = None
    source: str | None = None


class AuditDay(Answer):
    """A closed day: where its chain of hashes ends, signed.

    Attributes:
        signature, public_key: DER in base64.
        export_url: short-lived link to the day's links as JSON Lines; not in lists.
    """

    day: date
    count: int
    head: str
    previous_day: date | None = None
    previous_head: str | None = None
    signature: str
    public_key: str
    algorithm: str
    export_url: str | None = None
