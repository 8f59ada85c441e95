"""Patients in memory, with the same promises as the table."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fake_cases import FakeCases
from tests.fakes import FakeCasework, page_of, stored_in
from triagelens.domain.cases import Case
from triagelens.domain.errors import (
    AddressTakenError,
    ErasedError,
    OutdatedError,
    PatientNumberTakenError,
)
from triagelens.domain.images import ImageRecord
from triagelens.domain.patients import Patient
from triagelens.services.ports import Page


@dataclass
class FakePatients:
    """Beside the images and cases of others. `before_replace` lets something happen, or go wrong."""

    casework: FakeCasework = field(default_factory=FakeCasework)
    cases: FakeCases = field(default_factory=FakeCases)
    records: dict[str, Patient] = field(default_factory=dict)
    before_replace: Callable[[], None] = lambda: None
    erased: dict[str, str] = field(default_factory=dict)  # by which erasure

    def patient(self, patient_id: str) -> Patient:
        if patient_id in self.erased:
            raise ErasedError("There is no such patient.", self.erased[patient_id])
        return stored_in(self.records, patient_id)

    def numbered(self, number: str) -> Patient:
        by_number = {patient.number.upper(): patient for patient in self.records.values()}
        return stored_in(by_number, number.upper())

    def invited_by(self, address_digest: str) -> Patient | None:
        found = (p for p in self.records.values() if p.account and p.account.address_digest == address_digest)
        return next(found, None)

    def patients(self, owner: str | None, limit: int, cursor: str | None) -> Page[Patient]:
        found = [patient for patient in self.records.values() if owner in (None, patient.owner)]
        found.sort(key=lambda patient: patient.patient_id, reverse=True)
        return page_of(found, limit, cursor, "patient_id")

    def add_patient(self, patient: Patient) -> Patient:
        self._check_number(patient)
        if patient.account is not None and self.invited_by(patient.account.address_digest) is not None:
            raise AddressTakenError("A patient was invited by this e-mail address before.")
        return self._write(patient)

    def replace_patient(self, before: Patient, after: Patient) -> Patient:
        self.before_replace()
        self._check_version(before)
        self._check_number(after)
        return self._write(after)

    def withdraw_patient(self, patient: Patient) -> None:
        self._check_version(patient)
        del self.records[patient.patient_id]

    def images_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        found = [image for image in self.casework.records.values() if image.patient_id == patient_id]
        found.sort(key=lambda image: image.image_id, reverse=True)
        return page_of(found, limit, cursor, "image_id")

    def cases_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[Case]:
        found = [case for case in self.cases.records.values() if case.patient_id == patient_id]
        return page_of(sorted(found, key=lambda c: c.case_id, reverse=True), limit, cursor, "case_id")

    def _check_version(self, patient: Patient) -> None:
        if stored_in(self.records, patient.patient_id).version != patient.version:
            raise OutdatedError("The patient's record has changed since it was read.")

    def _check_number(self, patient: Patient) -> None:
        number, patient_id = patient.number.upper(), patient.patient_id
        if any(p.number.upper() == number and p.patient_id != patient_id for p in self.records.values()):
            raise PatientNumberTakenError("Another patient has this number.")

    def _write(self, patient: Patient) -> Patient:
        written = patient.model_copy(update={"version": (patient.version or 0) + 1})
        self.records[patient.patient_id] = written
        return written
