"""Writing down who did what to people's accounts."""

from dataclasses import dataclass

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.ids import new_id
from triagelens.services.identity_ports import AuditTrail
from triagelens.services.ports import Clock


@dataclass(frozen=True)
class Journal:
    """The audit trail, for the length of one request. Names and addresses never go into it."""

    audit: AuditTrail
    clock: Clock
    correlation_id: str

    def write(
        self,
        actor: str,
        action: str,
        subject: str,
        outcome: Outcome = Outcome.ALLOWED,
        reason: str | None = None,
    ) -> None:
        self.audit.append(
            AuditEntry(
                entry_id=new_id(),
                at=self.clock(),
                actor=actor,
                action=action,
                subject=subject,
                outcome=outcome,
                correlation_id=self.correlation_id,
                reason=reason,
            )
        )
