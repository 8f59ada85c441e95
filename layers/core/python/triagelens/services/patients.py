"""Patients: make their records, invite them, look at what is theirs, change it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from triagelens.domain.audit import NOTHING, Outcome
from triagelens.domain.cases import Case
from triagelens.domain.errors import (
    AddressTakenError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PatientNumberTakenError,
)
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.patients import (
    NUMBER_PATTERN,
    LinkedAccount,
    Patient,
    PatientDetails,
    digest_of_address,
    new_number,
    username_of,
)
from triagelens.domain.people import Action, Person, Role
from triagelens.services.changes import Asked
from triagelens.services.images import Images
from triagelens.services.journal import Journal
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Clock, Page
from triagelens.services.users import Users

TRIES = 5
NO_PATIENT_TEXT = "There is no such patient."
INVITED_TEXT = "A patient was invited by this e-mail address before."


@dataclass(frozen=True)
class NewPatient:
    """What a record begins with. Without a number it gets one."""

    details: PatientDetails
    number: str | None = None
    invite: bool = False


@dataclass(frozen=True)
class Patients:
    """Patients as clinicians see and change them, and as each patient sees the own record.

    Every read and change is written down before it is answered or made.
    """

    records: PatientRecords
    users: Users
    images: Images
    clock: Clock
    journal: Journal

    def create(self, worker: Person, new: NewPatient) -> Patient:
        """A new record of `worker`'s, and an invitation by e-mail if one is asked for.

        The same request again completes an invitation that stopped half-way.

        Raises:
            InvalidRequestError: there is no address to invite by, or the provider does not take it.
            PatientNumberTakenError: another patient has the number.
            AddressTakenError: another patient was invited by this address.
            ConflictError: the address is that of another account.
        """
        patient_id = new_id()
        if not new.invite:
            return self._add(worker, new, patient_id, None)
        if new.details.email is None:
            raise InvalidRequestError("An invitation needs an e-mail address.")
        digest = digest_of_address(new.details.email)
        begun = self.records.invited_by(digest)
        if begun is not None:
            self._check_begun(worker, new, begun)
            return self._linked(begun, self._invited(worker, begun, new.details.email))
        account = LinkedAccount(username=username_of(patient_id), address_digest=digest)
        patient = self._add(worker, new, patient_id, account)
        try:
            person = self._invited(worker, patient, new.details.email)
        except (ConflictError, InvalidRequestError):  # it would be no other the next time
            self.journal.write(worker.sub, "patient.withdraw", patient_id)
            self.records.withdraw_patient(patient)
            raise
        return self._linked(patient, person)

    def visible_to(self, person: Person, patient_id: str) -> Patient:
        """The record, if `person` may see it. Who may not is written down.

        Raises:
            NotFoundError: in the same words whether there is none or it is somebody else's.
        """
        if not is_id(patient_id):
            raise NotFoundError(NO_PATIENT_TEXT)
        return self._found(person, lambda: self.records.patient(patient_id), patient_id)

    def numbered(self, person: Person, number: str) -> Patient:
        """As `visible_to`, by the number that people say aloud."""
        if not re.fullmatch(NUMBER_PATTERN, number):
            raise NotFoundError(NO_PATIENT_TEXT)
        return self._found(person, lambda: self.records.numbered(number), NOTHING)

    def read(self, person: Person, patient: Patient) -> Patient:
        """The record, once the reading is written down."""
        self.journal.write(person.sub, "patient.read", patient.patient_id)
        return patient

    def page(self, person: Person, limit: int, cursor: str | None) -> Page[Patient]:
        """The patients that the person may see, newest first; who works on none sees the own record.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        if person.may(Action.WORK_ON_PATIENTS):
            owner = None if person.may(Action.SEE_ALL_PATIENTS) else person.sub
            page = self.records.patients(owner, limit, cursor)
        else:
            page = Page(self._own_record(person), None)
        self.journal.write(person.sub, "patient.list", NOTHING)  # one entry names the list
        return page

    def amend(self, asked: Asked, patient: Patient, changes: dict[str, Any]) -> Patient:
        """The record with another number or other details. An account keeps its own address.

        Raises:
            ForbiddenError: it is the person's own record, which others keep.
            OutdatedError: it has changed since the caller read it.
            PatientNumberTakenError: another patient has the number.
            InvalidRequestError: birth date and age come together.
        """
        person = asked.person
        self._check_worked_on(person, patient, "patient.change")
        asked.check(patient.version, "patient's record")
        changes = dict(changes)
        number = changes.pop("number", patient.number)
        after = patient.model_copy(
            update={
                "number": number,
                "details": patient.details.changed(changes),
                "updated_at": self.clock(),
                "updated_by": person.sub,
                "correlation_id": asked.correlation_id,
            }
        )
        self.journal.write(person.sub, "patient.change", patient.patient_id)
        return self.records.replace_patient(patient, after)

    def check_attachable(self, person: Person, patient_id: str) -> None:
        """Makes sure that `person` may make something the patient's, and writes it down.

        Raises:
            ForbiddenError: their role works on no patients, or only others may change this record.
            NotFoundError: they may see no such patient.
        """
        if not person.may(Action.WORK_ON_PATIENTS):
            subject = patient_id if is_id(patient_id) else "unknown"
            self.journal.write(person.sub, "patient.attach", subject, Outcome.DENIED)
            raise ForbiddenError("Your role does not allow this.")
        patient = self.visible_to(person, patient_id)
        self._check_worked_on(person, patient, "patient.attach")
        self.journal.write(person.sub, "patient.attach", patient_id)

    def check_photo_of(self, person: Person, patient_id: str) -> None:
        """Makes sure that `person` may send a photo of the patient, and writes it down.

        Who may add to the record may, and so may the patient: a photo of oneself is one's own.

        Raises:
            ForbiddenError, NotFoundError: as `check_attachable`.
        """
        if patient_id == person.patient_id and self.visible_to(person, patient_id):
            self.journal.write(person.sub, "patient.attach", patient_id)
        else:
            self.check_attachable(person, patient_id)

    def images_of(
        self, person: Person, patient: Patient, limit: int, cursor: str | None
    ) -> Page[ImageRecord]:
        """Images that were announced for the patient, newest first."""
        self.journal.write(person.sub, "patient.images", patient.patient_id)
        page = self.records.images_of(patient.patient_id, limit, cursor)
        return Page([self.images.as_read(image) for image in page.items], page.cursor)

    def cases_of(self, person: Person, patient: Patient, limit: int, cursor: str | None) -> Page[Case]:
        """Cases that name the patient, newest first."""
        self.journal.write(person.sub, "patient.cases", patient.patient_id)
        return self.records.cases_of(patient.patient_id, limit, cursor)

    def _found(self, person: Person, find: Callable[[], Patient], sought: str) -> Patient:
        try:
            patient = find()
        except NotFoundError:
            patient = None
        if patient is None or not patient.is_visible_to(person):
            subject = sought if patient is None else patient.patient_id
            self.journal.write(person.sub, "patient.read", subject, Outcome.DENIED)
            raise NotFoundError(NO_PATIENT_TEXT)
        return patient

    def _add(
        self, worker: Person, new: NewPatient, patient_id: str, account: LinkedAccount | None
    ) -> Patient:
        now = self.clock()
        self.journal.write(worker.sub, "patient.create", patient_id)
        for _ in range(TRIES):
            patient = Patient(
                patient_id=patient_id,
                number=new.number or new_number(),
                owner=worker.sub,
                details=new.details,
                account=account,
                created_at=now,
                updated_at=now,
                updated_by=worker.sub,
                correlation_id=self.journal.correlation_id,
            )
            try:
                return self.records.add_patient(patient)
            except PatientNumberTakenError:
                if new.number is not None:
                    raise
        raise PatientNumberTakenError("No free patient number was found; try again.")

    def _check_begun(self, worker: Person, new: NewPatient, begun: Patient) -> None:
        """An invitation that stopped half-way is taken up again in the same words, and no other is."""
        done = begun.account is None or begun.account.sub is not None
        other = begun.details != new.details or new.number not in (None, begun.number)
        if done or other or not begun.is_worked_on_by(worker):
            raise AddressTakenError(INVITED_TEXT)

    def _invited(self, worker: Person, patient: Patient, email: str) -> Person:
        """The patient as a person with an account: made, or found from the try before."""
        patient_id = patient.patient_id
        username, name = username_of(patient_id), patient.details.name
        return self.users.invite(worker, username, email, Role.PATIENT, name, patient_id)

    def _linked(self, patient: Patient, person: Person) -> Patient:
        """The record that knows its account; the person's record knows the patient already."""
        account = patient.account and patient.account.model_copy(update={"sub": person.sub})
        return self.records.replace_patient(patient, patient.model_copy(update={"account": account}))

    def _own_record(self, person: Person) -> list[Patient]:
        if person.patient_id is None:
            return []
        try:
            patient = self.records.patient(person.patient_id)
        except NotFoundError:
            return []
        return [patient] if patient.is_visible_to(person) else []

    def _check_worked_on(self, person: Person, patient: Patient, action: str) -> None:
        if not patient.is_worked_on_by(person):
            self.journal.write(person.sub, action, patient.patient_id, Outcome.DENIED)
            raise ForbiddenError("Others keep your own record.")
