"""Who gives whom which role."""

from dataclasses import dataclass

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.people import Person, Role
from triagelens.services.identity_ports import AuditTrail, IdentityProvider
from triagelens.services.ports import Clock, People

# Actor of what an engineer did with AWS credentials instead of an access token.
OPERATOR = "operator"


@dataclass(frozen=True)
class Roles:
    people: People
    identity: IdentityProvider
    audit: AuditTrail
    clock: Clock

    def grant(self, username: str, role: Role) -> Person:
        """Gives a person who has signed up a role; it holds from their next request.

        The audit entry is written first: what cannot be written down does not happen.

        Raises:
            NotFoundError: nobody of that name has signed up.
            ConflictError: the record changed at the same time.
        """
        account = self.identity.account(username)
        if account is None:
            raise NotFoundError("Nobody of that name has signed up.")
        person = self.people.person(account.sub)
        entry_id = new_id()
        self.audit.append(
            AuditEntry(
                entry_id=entry_id,
                at=self.clock(),
                actor=OPERATOR,
                action="person.grant",
                subject=person.sub,
                outcome=Outcome.ALLOWED,
                correlation_id=entry_id,
                reason=f"role {role}",
            )
        )
        return self.people.replace_person(person.model_copy(update={"role": role}))
