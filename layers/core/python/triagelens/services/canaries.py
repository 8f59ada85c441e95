"""A candidate that does worse than production loses its share by itself."""

from dataclasses import dataclass

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ConflictError
from triagelens.domain.ids import new_id
from triagelens.domain.models import Candidate
from triagelens.domain.rollout import breach
from triagelens.services.identity_ports import AuditTrail
from triagelens.services.ports import Clock
from triagelens.services.registry_ports import Registry, Trials

ACTOR = "watch_canary"


@dataclass(frozen=True)
class CanaryWatch:
    """Looks at the trials. To look again, or twice at once, changes nothing more."""

    registry: Registry
    trials: Trials
    audit: AuditTrail
    clock: Clock

    def look(self, specialty: str) -> Candidate | None:
        """Ends the trial of a specialty if the rule says so; gives the candidate that lost its share.

        The deed is written down first, as for people. If the pointer was moved meanwhile, by a person
        or by another look, the pointer is left as it is: the next look sees what holds then.
        """
        pointer = self.registry.production(specialty)
        if pointer is None or pointer.candidate is None:
            return None
        candidate = pointer.candidate
        reason = breach(
            self.trials.tally(specialty, candidate, "candidate"),
            self.trials.tally(specialty, candidate, "production"),
        )
        if reason is None:
            return None
        now = self.clock()
        entry_id = new_id()
        self.audit.append(
            AuditEntry(
                entry_id=entry_id,
                at=now,
                actor=ACTOR,
                action="model.rollback",
                subject=f"{specialty}/{candidate.version}",
                outcome=Outcome.ALLOWED,
                correlation_id=entry_id,
                reason=reason,
            )
        )
        try:
            self.registry.point(pointer.without(candidate.version, ACTOR, now, reason))
        except ConflictError:
            return None
        return candidate
