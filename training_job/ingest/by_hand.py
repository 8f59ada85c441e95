"""Ingestion without a deployment: a folder or an archive becomes a snapshot in another folder.

The output folder is laid out like the learning bucket; its ledger is the file `ledger.json` in it, and
datasets that are ingested into the same folder share that.
"""

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import sleep

from pydantic import BaseModel

from training_job.arrangement import DatasetError
from training_job.atomic import write_bytes
from training_job.dataset import files_of
from training_job.ingest.archives import members_of
from training_job.ingest.candidates import arranged
from training_job.ingest.intake import take_in
from training_job.ingest.labels import label_names
from training_job.ingest.making import Making, Origin
from training_job.ingest.members import (
    ArchiveLimits,
    Member,
    UnusableMemberError,
    shown,
    too_large,
    wrong_with_name,
)
from training_job.names import slug
from training_job.snapshots import RECORD
from triagelens.domain.errors import ConflictError
from triagelens.domain.ledger import LedgerEntry
from triagelens.domain.snapshots import Snapshot
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.ledger import SplitLedger
from triagelens.services.snapshot_ports import LedgerState

LEDGER = "ledger.json"


class Folder:
    """`making.Files` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, key: str, content: bytes) -> None:
        write_bytes(self._folder / key, content)


class FolderSnapshots:
    """`services.snapshot_ports.Snapshots`, as far as making one needs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, snapshot: Snapshot, platform_images: Sequence[str]) -> Snapshot:
        write_bytes(self._folder / RECORD, snapshot.model_dump_json(indent=2).encode())
        return snapshot


class _Ledger(BaseModel):
    revision: int = 0
    entries: dict[str, LedgerEntry] = {}


class _LedgerFile(BaseModel):
    key: str
    ledgers: dict[str, _Ledger] = {}


class FileLedgers:
    """`services.snapshot_ports.Ledgers` in a file, for one process at a time."""

    most_entries = sys.maxsize  # the file is written whole

    def __init__(self, path: Path) -> None:
        self._path = path

    def key(self) -> str:
        return self._content().key

    def read(self, specialty: str) -> LedgerState:
        ledger = self._content().ledgers.get(specialty, _Ledger())
        return LedgerState(ledger.revision, list(ledger.entries.values()))

    def write(self, specialty: str, revision: int, entries: Sequence[LedgerEntry]) -> int:
        content = self._content()
        ledger = content.ledgers.setdefault(specialty, _Ledger())
        if ledger.revision != revision:
            raise ConflictError("Somebody else has written to the ledger.")
        ledger.revision += 1
        ledger.entries.update({entry.name: entry for entry in entries})
        self._save(content)
        return ledger.revision

    def _content(self) -> _LedgerFile:
        if not self._path.exists():
            self._save(_LedgerFile(key=secrets.token_hex(32)))
        return _LedgerFile.model_validate_json(self._path.read_bytes())

    def _save(self, content: _LedgerFile) -> None:
        write_bytes(self._path, content.model_dump_json(exclude_none=True).encode())


def ingest_by_hand(
    source: Path, output: Path, specialty: str | None = None, group_column: str | None = None
) -> Snapshot:
    """Make a snapshot of a folder or an archive.

    Args:
        specialty: found from the labels unless given; one that the table does not have keeps its labels.

    Raises:
        DatasetError: nothing can be made of it; the message says what to change.
    """
    files, limits, workers = Folder(output), ArchiveLimits(), min(4, os.cpu_count() or 1)
    name = slug(source.name.partition(".")[0]) or "images"

    def key_of(sha256: str) -> str:
        return f"datasets/{name}/images/{sha256}.jpg"

    def keep(sha256: str, working_image: bytes) -> None:
        files.write(key_of(sha256), working_image)

    if source.is_dir():
        intake = take_in(_members(source, limits), keep, workers, _nobody)
    elif source.is_file():
        with source.open("rb") as archive:
            intake = take_in(members_of(archive, limits), keep, workers, _nobody)
    else:
        raise DatasetError(f"{source} is neither a folder nor an archive.")
    candidates, problems = arranged(intake, key_of, group_column, str(source))
    chosen = specialty or _fitting({candidate.label for candidate in candidates}) or name
    making = Making(SplitLedger(FileLedgers(output / LEDGER), sleep), files, FolderSnapshots(output))
    origin = Origin(specialty=chosen, new_specialty=chosen not in SPECIALTIES, source=str(source.name))
    return making.make(candidates, problems, origin, datetime.now(UTC))


def _fitting(labels: set[str]) -> str | None:
    """The specialty that knows all these labels."""
    for specialty in SPECIALTIES:
        if all(label_names(labels, specialty, new=False).values()):
            return specialty
    return None


def _members(folder: Path, limits: ArchiveLimits) -> Iterator[Member]:
    for file in files_of(folder):
        yield Member(shown(file), wrong_with_name(file, limits), partial(_read, folder / file, limits))


def _read(path: Path, limits: ArchiveLimits) -> bytes:
    try:
        if path.stat().st_size > limits.most_file_bytes:
            raise too_large(limits)
        return path.read_bytes()
    except OSError as error:
        raise UnusableMemberError(f"it cannot be read ({error.strerror})", "unreadable") from error


def _nobody(_: int) -> None:
    """Nobody asks how far it is."""
