"""The brain tumour system: its tables as CSV, and beside them its scans and report files."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from triagelens_client.migrate.patients import details_of, number_of
from triagelens_client.migrate.places import LEADS_OUT, OldFolder, read_bytes
from triagelens_client.migrate.reading import Record, last_part, moment, number, probability, reference, text
from triagelens_client.migrate.records import (
    Kind,
    OldImage,
    OldPatient,
    OldReport,
    OldUser,
    Store,
    StoreError,
    UnfitError,
)
from triagelens_client.migrate.tables import rows
from triagelens_client.users import HASH_OF_BCRYPT

SYSTEM = "braintumor"
SPECIALTY = "brain"
SCAN_FOLDERS = ("scans", "original", "brain_tumor_scans/original", "images", "temp_uploads")
REPORT_FOLDER = "reports"
COUNTS = ("scan_count", "tumor_count", "no_tumor_count")
# By what a row is named that is left out. A patient's number may be there twice.
_NAMED_BY = {Kind.IMAGE: ("scan_id", "id"), Kind.REPORT: ("report_id", "id"), Kind.USER: ("username",)}
_ENDINGS = ("", ".jpg", ".jpeg", ".png")

# Its times had no zone, and no zone is further ahead than this.
ZONES_DIFFER = timedelta(hours=14)
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
INVITED = "invited: the first password goes to the e-mail address"
NO_ADMINS = "admins are made anew: triagelens users create (the old system came with a known password)"
ELSEWHERE = "its file is not here: put it into scans/, by its scan_id or file name, if no other scan has it"
REPORT_ELSEWHERE = (
    "its file is not here: put it into reports/, by its report_id or file name, that no other has"
)
TWO_PATIENTS = "its patient_id may mean two patients: --patient-key says which column it means"


class PatientKey(StrEnum):
    """The column of the patients by which scans and reports name them."""

    ID = "id"
    PATIENT_ID = "patient_id"


def read_braintumor(directory: Path, *, invite: bool = False, patient_key: PatientKey | None = None) -> Store:
    """Patients with their accounts, their scans with what was found then, and their reports.

    Args:
        directory: with `patients.csv`, `scans.csv`, `reports.csv`, `admins.csv` as far as there are any, the
            original scans in `scans/` and the reports in `reports/`.
        invite: whether patients whose password cannot be taken over get a new one by e-mail.
        patient_key: None takes either, and leaves out what may mean two patients.

    Raises:
        StoreError: there is no `patients.csv`, or a table cannot be read.
    """
    folder, store = OldFolder.of(directory), Store(SYSTEM)
    if not (folder.path / "patients.csv").is_file():
        raise StoreError(f"{directory} holds no patients.csv.")
    reader = _Reader(folder, store, invite, (patient_key,) if patient_key else tuple(PatientKey))
    reader.count_names()
    reader.count_patients()
    reader.table("patients", Kind.PATIENT, reader.patient)
    reader.table("scans", Kind.IMAGE, reader.scan)
    reader.table("reports", Kind.REPORT, reader.report)
    reader.table("admins", Kind.USER, reader.admin)
    return store


@dataclass
class _Reader:
    folder: OldFolder
    store: Store
    invite: bool
    patient_keys: tuple[PatientKey, ...]
    _meant: dict[str, set[str]] = field(default_factory=dict)
    _patients: dict[str, str] = field(default_factory=dict)
    _numbers: set[str] = field(default_factory=set)
    _scans: set[str] = field(default_factory=set)
    _reports: set[str] = field(default_factory=set)
    _names: Counter[str] = field(default_factory=Counter)
    _report_names: Counter[str] = field(default_factory=Counter)

    def count_names(self) -> None:
        """A file name that several scans or reports have says nothing of whose it is."""
        for row in self._rows("scans"):
            self._names.update({last_part(name) for name in _files_of(row)})
        for row in self._rows("reports"):
            self._report_names.update({last_part(name) for name in _files_of_report(row)})

    def count_patients(self) -> None:
        """Which rows a `patient_id` may mean, also rows that are left out: theirs goes to nobody else."""
        for line, row in rows(self.folder.path / "patients.csv"):
            for key in self.patient_keys:
                named = text(row or {}, key)
                if named is not None:
                    self._meant.setdefault(named.casefold(), set()).add(_place("patients", line))

    def _rows(self, name: str) -> list[Record]:
        path = self.folder.path / f"{name}.csv"
        return [row or {} for _, row in rows(path)] if path.is_file() else []

    def table(self, name: str, kind: Kind, take: Callable[[Record, str], None]) -> None:
        """Every row of a table; a row that is none keeps no other back."""
        path = self.folder.path / f"{name}.csv"
        if not path.is_file():
            return
        for line, row in rows(path):
            ref = _place(name, line)
            try:
                if row is None:
                    raise UnfitError("it is not a row of this table")
                take(row, ref)
            except UnfitError as error:
                known = text(row or {}, *_NAMED_BY.get(kind, ()), most=100)
                self.store.leave_out(kind, known or ref, str(error))

    def patient(self, row: Record, ref: str) -> None:
        number, name = reference(row, "patient_id", "id"), text(row, "name", most=200)
        if number is None or name is None:
            raise UnfitError("it has no patient_id or no name")
        if number.casefold() in self._numbers:
            raise UnfitError("its patient_id came twice")
        details, remarks = details_of(row)
        made = number_of(number)
        if made != number:
            remarks.append(f"its number is now {made}")
        is_invited = self._is_invited(row, details)
        if is_invited:
            remarks.append(INVITED)
        self.store.patients.append(OldPatient(number, made, name, details, is_invited, tuple(remarks)))
        self._numbers.add(number.casefold())
        self._patients[ref] = number
        if not is_invited:
            self._account(row, number, name)

    def _is_invited(self, row: Record, details: Mapping[str, Any]) -> bool:
        known_hash = text(row, "password_hash", most=200) or ""
        return self.invite and "email" in details and not HASH_OF_BCRYPT.fullmatch(known_hash)

    def _account(self, row: Record, patient: str, name: str) -> None:
        username, password_hash = text(row, "username", most=100), text(row, "password_hash", most=200)
        if username is None and password_hash is None:
            return
        self.store.users.append(
            OldUser(
                ref=username or f"{patient}: no name",
                username=username or "",
                role="patient",
                password_hash=password_hash or "",
                first_name=name[:100],
                patient=patient,
            )
        )

    def scan(self, row: Record, ref: str) -> None:
        scan_id = reference(row, "scan_id", "id")
        if scan_id is None:
            raise UnfitError("it has no scan_id")
        if scan_id in self._scans:
            raise UnfitError("its scan_id came twice")
        self._scans.add(scan_id)
        path = self._file_of(row)
        about: dict[str, Any] = {}
        remarks: list[str] = []
        said = text(row, "prediction", most=100)
        share = probability(row, "confidence", "probability")
        if said is None or share is None:
            remarks.append("what was found then could not be read")
        else:
            about["on_device_prediction"] = {"label": said, "probability": share, "model": SYSTEM}
        when = moment(row, "created_at")
        if when is not None:
            about["captured_at"] = when.isoformat()
        read = partial(read_bytes, path)
        image = OldImage(scan_id, SPECIALTY, read, about, self._patient_of(row), tuple(remarks))
        self.store.images.append(image)

    def report(self, row: Record, ref: str) -> None:
        """The file as it is, with when it was made and what was counted for it."""
        report_id = reference(row, "report_id", "id")
        if report_id is None:
            raise UnfitError("it has no report_id")
        if report_id in self._reports:
            raise UnfitError("its report_id came twice")
        self._reports.add(report_id)
        path, patient = self._file_of_report(row), self._patient_of(row)
        made_at, remarks = moment(row, "created_at"), []
        if made_at is not None and not FIRST_MOMENT < made_at < datetime.now(UTC) + ZONES_DIFFER:
            made_at = None
        if made_at is None:
            remarks.append("when it was made could not be read")
        counted = {name: number(row, name) for name in COUNTS}
        counts = {name: int(n) for name, n in counted.items() if n is not None and n >= 0 and n == int(n)}
        remarks += [f"its {name} could not be read" for name in COUNTS if name not in counts]
        read = partial(read_bytes, path)
        self.store.reports.append(OldReport(report_id, patient, read, made_at, counts, tuple(remarks)))

    def admin(self, row: Record, ref: str) -> None:
        raise UnfitError(NO_ADMINS)

    def _patient_of(self, row: Record) -> str:
        """The patient whom a scan or report names.

        Raises:
            UnfitError: nobody knows who that is, or it may be somebody else.
        """
        meant = self._meant.get((text(row, "patient_id") or "").casefold(), set())
        if len(meant) > 1:
            raise UnfitError(TWO_PATIENTS)
        known = [self._patients[ref] for ref in meant if ref in self._patients]
        if not known:
            raise UnfitError("its patient is left out" if meant else "there is no such patient")
        return known[0]

    def _file_of_report(self, row: Record) -> Path:
        """The report's file, by its report_id or another name, that no other report has."""
        return self._first_of(_files_of_report(row), self._report_names, (REPORT_FOLDER,), REPORT_ELSEWHERE)

    def _file_of(self, row: Record) -> Path:
        """The scan's file, by its scan_id or another name, that no other scan has."""
        return self._first_of(_files_of(row), self._names, SCAN_FOLDERS, ELSEWHERE)

    def _first_of(
        self, names: Sequence[str], known: Mapping[str, int], folders: Sequence[str], elsewhere: str
    ) -> Path:
        """Raises UnfitError, in the words `elsewhere`, if there is no file of a name that is known once."""
        for name in names:
            try:
                if known[last_part(name)] == 1:
                    return self.folder.find(name, *folders)
            except UnfitError as error:
                if str(error) == LEADS_OUT:
                    raise
        raise UnfitError(elsewhere)


def _files_of(row: Record) -> list[str]:
    """All names that a scan's file may have: by its id, its path or address, and what it was called."""
    path, called = (text(row, name, most=2_000) for name in ("original_path", "original_filename"))
    known = (text(row, "scan_id", "id"), last_part(path), last_part(called))
    return [f"{name}{ending}" for name in known if name for ending in _ENDINGS]


def _files_of_report(row: Record) -> list[str]:
    report_id = text(row, "report_id", "id")
    path = last_part(text(row, "report_path", most=2_000))
    return [*([f"{report_id}.pdf"] if report_id else []), *([path] if path else [])]


def _place(table: str, line: int) -> str:
    return f"{table}.csv:{line}"
