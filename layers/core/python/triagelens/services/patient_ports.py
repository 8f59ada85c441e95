"""What the use cases of patients need from the outside."""

from typing import Protocol

from triagelens.domain.cases import Case
from triagelens.domain.images import ImageRecord
from triagelens.domain.patients import Patient
from triagelens.services.ports import Page


class PatientRecords(Protocol):
    """Patients' records, and what is of which patient. Every list is newest first, and raises
    InvalidRequestError for a cursor that it did not give out."""

    def patient(self, patient_id: str) -> Patient:
        """The record, read consistently.

        Raises:
            NotFoundError: there is none.
        """

    def numbered(self, number: str) -> Patient:
        """The patient who has that number, whatever its case; read consistently.

        Raises:
            NotFoundError: nobody has it.
        """

    def invited_by(self, address_digest: str) -> Patient | None:
        """The patient who was invited by that e-mail address."""

    def patients(self, owner: str | None, limit: int, cursor: str | None) -> Page[Patient]:
        """Of whom `owner` made the record; everybody for None."""

    def add_patient(self, patient: Patient) -> Patient:
        """Writes a new record, and takes its number and the address of its invitation.

        Raises:
            PatientNumberTakenError, AddressTakenError: another patient has them.
        """

    def replace_patient(self, before: Patient, after: Patient) -> Patient:
        """Writes `after` over `before`; another number is taken, and the former one is free again.

        Raises:
            OutdatedError: the stored record is no longer `before`.
            PatientNumberTakenError: another patient has the number.
        """

    def withdraw_patient(self, patient: Patient) -> None:
        """Undoes `add_patient`, as long as nobody was told of it.

        Raises:
            OutdatedError: the record has changed since.
        """

    def images_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        """Images that were announced for the patient."""

    def cases_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[Case]:
        """Cases that name the patient."""
