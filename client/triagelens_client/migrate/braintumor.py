"""The brain tumour system: its tables as CSV, and beside them its scans and report files."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from triagelens_client.migrate.patients import details_of, number_of
from triagelens_client.migrate.places import LEADS_OUT, OldFolder, read_bytes
from triagelens_client.migrate.reading import Record, moment, number, probability, text
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
ELSEWHERE = "its file is not here: put it into scans/, by its scan_id or file name"
REPORT_ELSEWHERE = "its file is not here: put it into reports/, by its report_id or file name"


def read_braintumor(directory: Path, *, invite: bool = False) -> Store:
    """Patients with their accounts, their scans with what was found then, and their reports.

    Args:
        directory: with `patients.csv`, `scans.csv`, `reports.csv`, `admins.csv` as far as there are any, the
            original scans in `scans/` and the reports in `reports/`.
        invite: whether patients whose password cannot be taken over get a new one by e-mail.

    Raises:
        StoreError: there is no `patients.csv`, or a table cannot be read.
    """
    folder, store = OldFolder.of(directory), Store(SYSTEM)
    if not (folder.path / "patients.csv").is_file():
        raise StoreError(f"{directory} holds no patients.csv.")
    reader = _Reader(folder, store, invite)
    reader.count_names()
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
    _by_row: dict[str, str] = field(default_factory=dict)
    _by_number: dict[str, str] = field(default_factory=dict)
    _scans: set[str] = field(default_factory=set)
    _reports: set[str] = field(default_factory=set)
    _names: Counter[str] = field(default_factory=Counter)
    _report_names: Counter[str] = field(default_factory=Counter)

    def count_names(self) -> None:
        """A file name that several scans or reports have says nothing of whose it is."""
        for row in self._rows("scans"):
            self._names.update(set(_names_of(row)))
        for row in self._rows("reports"):
            self._report_names[_name_of_report(row)] += 1

    def _rows(self, name: str) -> list[Record]:
        path = self.folder.path / f"{name}.csv"
        return [row or {} for _, row in rows(path)] if path.is_file() else []

    def table(self, name: str, kind: Kind, take: Callable[[Record, str], None]) -> None:
        """Every row of a table; a row that is none keeps no other back."""
        path = self.folder.path / f"{name}.csv"
        if not path.is_file():
            return
        if path.is_symlink():
            raise StoreError(f"{path} is a link.")
        for line, row in rows(path):
            ref = f"{name}.csv:{line}"
            try:
                if row is None:
                    raise UnfitError("it is not a row of this table")
                take(row, ref)
            except UnfitError as error:
                known = text(row or {}, *_NAMED_BY.get(kind, ()), most=100)
                self.store.leave_out(kind, known or ref, str(error))

    def patient(self, row: Record, ref: str) -> None:
        number, name = text(row, "patient_id", "id", most=100), text(row, "name", most=200)
        if number is None or name is None:
            raise UnfitError("it has no patient_id or no name")
        if number.casefold() in self._by_number:
            raise UnfitError("its patient_id came twice")
        details, remarks = details_of(row)
        made = number_of(number)
        if made != number:
            remarks.append(f"its number is now {made}")
        is_invited = self._is_invited(row, details)
        if is_invited:
            remarks.append(INVITED)
        self.store.patients.append(OldPatient(number, made, name, details, is_invited, tuple(remarks)))
        self._by_number[number.casefold()] = number
        row_id = text(row, "id", most=100)
        if row_id is not None:
            self._by_row[row_id] = number
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
        scan_id = text(row, "scan_id", "id", most=100)
        if scan_id is None:
            raise UnfitError("it has no scan_id")
        if scan_id in self._scans:
            raise UnfitError("its scan_id came twice")
        self._scans.add(scan_id)
        path = self._file_of(row, scan_id)
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
        report_id = text(row, "report_id", "id", most=100)
        if report_id is None:
            raise UnfitError("it has no report_id")
        if report_id in self._reports:
            raise UnfitError("its report_id came twice")
        self._reports.add(report_id)
        path, patient = self._file_of_report(row, report_id), self._patient_of(row)
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
        """The patient that a scan names, by the row's key or by number."""
        named = text(row, "patient_id", most=100) or ""
        known = self._by_row.get(named) or self._by_number.get(named.casefold())
        if known is None:
            raise UnfitError("there is no such patient")
        return known

    def _file_of_report(self, row: Record, report_id: str) -> Path:
        """The report's file, by its report_id, or by a name that no other report has."""
        name = _name_of_report(row)
        names = [f"{report_id}.pdf", *([name] if self._report_names[name] == 1 else [])]
        return self._first_of(names, (REPORT_FOLDER,), REPORT_ELSEWHERE)

    def _file_of(self, row: Record, scan_id: str) -> Path:
        """The scan's file, by its scan_id, or by a name that no other scan has."""
        known = (scan_id, *(name for name in _names_of(row) if self._names[name] == 1))
        return self._first_of(
            [f"{name}{ending}" for name in known for ending in _ENDINGS], SCAN_FOLDERS, ELSEWHERE
        )

    def _first_of(self, names: Sequence[str], folders: Sequence[str], elsewhere: str) -> Path:
        """Raises UnfitError, in the words `elsewhere`, if there is no file of these names."""
        for name in names:
            try:
                return self.folder.find(name, *folders)
            except UnfitError as error:
                if str(error) == LEADS_OUT:
                    raise
        raise UnfitError(elsewhere)


def _names_of(row: Record) -> list[str]:
    """Names of a scan's file: the last part of its path or address, and what it was called."""
    called = text(row, "original_filename", most=300)
    return [name for name in (_last_part(text(row, "original_path", most=2_000)), called) if name]


def _name_of_report(row: Record) -> str:
    return _last_part(text(row, "report_path", most=2_000))


def _last_part(stored: str | None) -> str:
    """A file's name, from its path or address."""
    where = stored or ""
    plain = unquote(urlsplit(where).path) if re.match(r"https?://", where) else where
    return PurePosixPath(plain.replace("\\", "/")).name
