"""Cases: open them, look at them, change them, decide them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from triagelens.domain.cases import (
    MOST_IMAGES,
    Case,
    CaseStatus,
    Decision,
    Move,
)
from triagelens.domain.errors import ErasedError, InvalidRequestError, NotFoundError, TriagelensError
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.panels import Panel
from triagelens.domain.people import Action, Person
from triagelens.domain.specialties import SPECIALTIES, specialty
from triagelens.services.case_ports import CaseNumbers, CaseRecords, WantedCases
from triagelens.services.changes import Asked
from triagelens.services.images import Images
from triagelens.services.ports import Casework, Clock, Page


@dataclass(frozen=True)
class NewCase:
    """What a case begins with. Without a number it gets one.

    Attributes:
        readers_wanted: how many readers are to label it without knowing of each other.
    """

    specialty: str
    image_ids: tuple[str, ...]
    number: int | None = None
    patient_id: str | None = None
    notes: str | None = None
    readers_wanted: int = 1


class Cases:
    """Cases as those may see and change them who are part of them, and doctors and admins all."""

    def __init__(
        self, records: CaseRecords, numbers: CaseNumbers, casework: Casework, images: Images, clock: Clock
    ) -> None:
        self._records = records
        self._numbers = numbers
        self._casework = casework
        self._images = images
        self._clock = clock

    def open(self, person: Person, new: NewCase, correlation_id: str) -> Case:
        """A new case of `person`'s.

        Raises:
            NotFoundError: an image is not one that the person may see.
            UnknownSpecialtyError, InvalidRequestError: the images do not fit together.
            ConflictError: an image is in another undecided case, or the number is not the person's.
        """
        specialty(new.specialty)
        image_owner = self._owner_of_images(person, new.specialty, person.sub, new.image_ids)
        number = self._numbers.take(person.sub) if new.number is None else new.number
        now = self._clock()
        case = Case(
            case_id=new_id(),
            number=number,
            specialty=new.specialty,
            status=CaseStatus.OPEN,
            owner=person.sub,
            image_owner=image_owner,
            image_ids=new.image_ids,
            patient_id=new.patient_id,
            notes=new.notes,
            created_at=now,
            updated_at=now,
            updated_by=person.sub,
            correlation_id=correlation_id,
        )
        panel = Panel(case_id=case.case_id, specialty=case.specialty, readers_wanted=new.readers_wanted)
        try:
            return self._records.add_case(case, case.entry("case.create", None), panel)
        except TriagelensError:
            if new.number is None:
                with suppress(TriagelensError):  # the refusal is what the caller is told
                    self._numbers.release(number, person.sub)
            raise

    def visible_to(self, person: Person, case_id: str) -> Case:
        """The case, if `person` may see it.

        Raises:
            NotFoundError: in the same words whether there is none or it is somebody else's.
        """
        missing = NotFoundError("There is no such case.")
        if not is_id(case_id):
            raise missing
        try:
            case = self._records.case(case_id)
        except NotFoundError:
            raise missing from None
        if not case.is_visible_to(person):
            raise missing
        return case

    def page(
        self,
        person: Person,
        of_specialty: str | None,
        statuses: frozenset[CaseStatus],
        limit: int,
        cursor: str | None,
    ) -> Page[Case]:
        """The cases that the person may see, newest first.

        Raises:
            UnknownSpecialtyError, InvalidRequestError: nothing like that can be listed.
        """
        specialties = frozenset(SPECIALTIES if of_specialty is None else [specialty(of_specialty).name])
        whose = None if person.may(Action.SEE_ALL_CASES) else person.sub
        return self._records.cases(WantedCases(whose, specialties, statuses), limit, cursor)

    def images_of(self, case: Case) -> list[ImageRecord]:
        """The case's images as they stand now, with their findings; one that was erased is left out."""
        found: list[ImageRecord] = []
        for image_id in case.image_ids:
            with suppress(ErasedError):
                found.append(self._images.as_read(self._casework.image(image_id)))
        return found

    def amend(self, asked: Asked, case: Case, changes: dict[str, Any]) -> Case:
        """The case with other images, notes or another patient.

        Raises:
            OutdatedError: the case has changed since the caller read it.
            TransitionError: it is decided.
            NotFoundError, InvalidRequestError, ConflictError: as for a new case.
        """
        asked.check(case.version, "case")
        if "image_ids" in changes:
            added = tuple(changes["image_ids"])
            owner = self._owner_of_images(asked.person, case.specialty, case.owner, added, case.image_ids)
            changes = {**changes, "image_ids": added, "image_owner": owner}
        after = case.after(Move.AMEND, asked.person.sub, self._clock(), asked.correlation_id, **changes)
        return self._records.replace_case(case, after, after.entry("case.amend", case))

    def decide(
        self, asked: Asked, case: Case, move: Move, reason: str | None, final_diagnosis: str | None = None
    ) -> Case:
        """The case with another status, and who gave it, when and why.

        Raises:
            OutdatedError: the case has changed since the caller read it.
            TransitionError: the state machine has no such edge.
        """
        asked.check(case.version, "case")
        now, by = self._clock(), asked.person.sub
        decision = Decision(by=by, at=now, reason=reason)
        changes: dict[str, Any] = {"decision": decision}
        if final_diagnosis is not None:
            changes["final_diagnosis"] = final_diagnosis
        after = case.after(move, by, now, asked.correlation_id, **changes)
        return self._records.replace_case(case, after, after.entry(f"case.{move}", case, reason))

    def _owner_of_images(
        self,
        person: Person,
        of_specialty: str,
        case_owner: str,
        image_ids: Sequence[str],
        known: Sequence[str] = (),
    ) -> str | None:
        """Whose images these are beside the case's owner.

        Whoever owns an image of a case may see the case, so the images of two people never share one.
        """
        if not 1 <= len(image_ids) <= MOST_IMAGES or len(set(image_ids)) < len(image_ids):
            raise InvalidRequestError(f"A case has 1 to {MOST_IMAGES} images, each once.")
        found = [
            self._casework.image(image_id) if image_id in known else self._images.visible_to(person, image_id)
            for image_id in image_ids
        ]
        if any(image.specialty != of_specialty for image in found):
            raise InvalidRequestError(f"All images of this case have to be of specialty {of_specialty}.")
        owners = {image.owner for image in found} - {case_owner}
        if len(owners) > 1:
            raise InvalidRequestError("These images belong to several people; a case is about one.")
        return owners.pop() if owners else None
