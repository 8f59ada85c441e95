"""Which registered model answers: promotion, canary, rollback, retirement, and the broken glass."""

from dataclasses import dataclass

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ConflictError, ForbiddenError, NotFoundError, TriagelensError
from triagelens.domain.ids import new_id
from triagelens.domain.models import (
    PROMOTABLE,
    Candidate,
    Decision,
    DecisionName,
    ModelStatus,
    ProductionPointer,
    RegisteredModel,
)
from triagelens.domain.people import Person
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.identity_ports import AuditTrail
from triagelens.services.ports import Clock
from triagelens.services.registry_ports import Registry

LONGEST_VERSION = 64  # as the manifest has it; DynamoDB refuses keys beyond 1 KB


@dataclass(frozen=True)
class AskedOf:
    """Who asks for what of which model, and why."""

    person: Person
    specialty: str
    version: str
    reason: str | None
    correlation_id: str


def known_model(registry: Registry, specialty: str, version: str) -> RegisteredModel:
    """The registered model; a name that can be none is not even looked for.

    Raises:
        NotFoundError: there is none.
    """
    if specialty not in SPECIALTIES or len(version) > LONGEST_VERSION:
        raise NotFoundError("There is no such model.")
    return registry.model(specialty, version)


class Rollout:
    """Moves the production pointer of a specialty.

    Each deed is written down before it happens: what cannot be written down does not happen. Each is
    one conditional write; running functions follow within 30 seconds.

    Args:
        owner_may_activate: whether who brought a model by hand may break the glass for it alone.
    """

    def __init__(
        self, registry: Registry, audit: AuditTrail, clock: Clock, *, owner_may_activate: bool
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._clock = clock
        self._owner_may_activate = owner_may_activate

    def promote(self, asked: AskedOf, share: float) -> ProductionPointer:
        """Gives the model a share of the images, 1 for all of them.

        A share below 1 makes it the candidate beside the model in production; asked again with another
        share it goes on with that. To promote what is in production already changes nothing.

        Raises:
            NotFoundError: there is no such model.
            ForbiddenError: it is the person's own work.
            ConflictError: it was refused or retired, the gate had no verdict and no reason is given,
                another candidate is on trial, there is nothing to be tried beside, or somebody else moved
                the pointer at the same time.
        """
        model = known_model(self._registry, asked.specialty, asked.version)
        present = self._registry.production(asked.specialty)
        self._write_down(asked, "model.promote", self._why_not(asked, model, present, share))
        if present is not None and present.answers(model.version):
            return present
        if share == 1:
            pointer = self._in_production(asked, model, present)
        else:
            pointer = self._on_trial(asked, model, present, share)
        self._registry.point(pointer, self._decided(model, asked, "promote", share))
        return pointer

    def activate(self, asked: AskedOf) -> ProductionPointer:
        """Puts a registered model into production at once, past the gate's missing verdict and any trial.

        To activate what alone is in production already changes nothing.

        Raises:
            NotFoundError: there is no such model.
            ForbiddenError: it is the person's own work, and one alone may not break the glass.
            ConflictError: it was refused or retired, or somebody else moved the pointer at the same time.
        """
        model = known_model(self._registry, asked.specialty, asked.version)
        present = self._registry.production(asked.specialty)
        self._write_down(asked, "model.activate", self._why_not_activate(asked, model))
        if present is not None and present.answers(model.version) and present.candidate is None:
            return present
        pointer = self._in_production(asked, model, present)
        self._registry.point(pointer, self._decided(model, asked, "activate", 1))
        return pointer

    def rollback(self, asked: AskedOf) -> ProductionPointer:
        """Takes the model out of service: a candidate loses its share, production goes one back.

        Where there was none before, nothing registered answers any more: the baseline does, or in stage
        `prod` nothing.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: it does not serve, or somebody else moved the pointer at the same time.
        """
        model = known_model(self._registry, asked.specialty, asked.version)
        present = self._registry.production(asked.specialty)
        if present is None or not present.serves(model.version):
            refusal = ConflictError(f"Version {model.version} does not serve.")
            self._write_down(asked, "model.rollback", refusal)
            raise refusal
        self._write_down(asked, "model.rollback", None)
        pointer = present.without(model.version, asked.person.sub, self._clock(), asked.reason)
        self._registry.point(pointer)
        return pointer

    def retire(self, asked: AskedOf) -> RegisteredModel:
        """Keeps a model from ever serving again. To retire what is retired changes nothing.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: it serves, or a rollback would go back to it, or it changed at the same time.
        """
        model = known_model(self._registry, asked.specialty, asked.version)
        present = self._registry.production(asked.specialty)
        refusal = None
        if present is not None and present.serves(model.version):
            refusal = ConflictError(f"Version {model.version} serves; roll it back first.")
        elif present is not None and present.previous and present.previous.version == model.version:
            refusal = ConflictError(f"A rollback would go back to version {model.version}.")
        self._write_down(asked, "model.retire", refusal)
        if model.status is ModelStatus.RETIRED:
            return model
        retired = self._decided(model, asked, "retire", None).model_copy(
            update={"status": ModelStatus.RETIRED}
        )
        self._registry.replace_model(retired, present)
        return retired

    def _why_not(
        self, asked: AskedOf, model: RegisteredModel, present: ProductionPointer | None, share: float
    ) -> TriagelensError | None:
        """What forbids a promotion; None if nothing does."""
        if asked.person.sub == model.trainer:
            return ForbiddenError("Somebody else has to promote what you trained or brought.")
        if model.status not in PROMOTABLE:
            return ConflictError(f"A model that is {model.status} cannot be promoted.")
        if model.status is ModelStatus.NOT_EVALUABLE and asked.reason is None:
            return ConflictError(
                "The gate had no verdict on this model; say why it is promoted all the same."
            )
        trial = present.candidate if present is not None else None
        if trial is not None and trial.version != model.version:
            return ConflictError(f"Version {trial.version} is on trial; promote it or roll it back first.")
        if share < 1 and (present is None or present.withdrawn):
            return ConflictError("There is no model in production to try it beside; promote it with share 1.")
        return None

    def _why_not_activate(self, asked: AskedOf, model: RegisteredModel) -> TriagelensError | None:
        own = asked.person.sub == model.trainer
        if own and (model.started_by is not None or not self._owner_may_activate):
            return ForbiddenError("Somebody else has to activate what you trained or brought.")
        if model.status not in PROMOTABLE:
            return ConflictError(f"A model that is {model.status} cannot be activated.")
        return None

    def _in_production(
        self, asked: AskedOf, model: RegisteredModel, present: ProductionPointer | None
    ) -> ProductionPointer:
        """The model for all images; what served before can come back."""
        previous = None
        if present is not None and not present.withdrawn:
            same = present.version == model.version
            previous = present.previous if same else present.files()
        return ProductionPointer(
            **model.files().model_dump(),
            specialty=model.specialty,
            previous=previous,
            activated_by=asked.person.sub,
            activated_at=self._clock(),
            reason=asked.reason,
            revision=present.revision + 1 if present else 1,
        )

    def _on_trial(
        self, asked: AskedOf, model: RegisteredModel, present: ProductionPointer | None, share: float
    ) -> ProductionPointer:
        """The model beside the one in production. A trial that goes on keeps its beginning."""
        if present is None:
            raise ConflictError("There is no model in production to try it beside.")
        now = self._clock()
        since = present.candidate.since if present.candidate else now
        candidate = Candidate(**model.files().model_dump(), share=share, since=since)
        return present.model_copy(
            update={
                "candidate": candidate,
                "activated_by": asked.person.sub,
                "activated_at": now,
                "reason": asked.reason,
                "revision": present.revision + 1,
            }
        )

    def _decided(
        self, model: RegisteredModel, asked: AskedOf, action: DecisionName, share: float | None
    ) -> RegisteredModel:
        """The model's card with this decision on it."""
        decision = Decision(
            action=action, by=asked.person.sub, at=self._clock(), share=share, reason=asked.reason
        )
        return model.model_copy(update={"decisions": (*model.decisions, decision)})

    def _write_down(self, asked: AskedOf, action: str, refusal: TriagelensError | None) -> None:
        """An audit entry of what is about to happen, or of what was refused, which is then raised."""
        self._audit.append(
            AuditEntry(
                entry_id=new_id(),
                at=self._clock(),
                actor=asked.person.sub,
                action=action,
                subject=f"{asked.specialty}/{asked.version}",
                outcome=Outcome.ALLOWED if refusal is None else Outcome.DENIED,
                correlation_id=asked.correlation_id,
                reason=asked.reason,
            )
        )
        if refusal is not None:
            raise refusal
